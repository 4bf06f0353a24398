//! Presets: which event becomes which conversion when nothing is configured.

use signalbox_conversions::{Compat, Listens, Preset};

/// Segment's sixteen presets in their order, and behind them those for events that Segment's spec has and its destination
/// has no preset for.
pub(crate) const PRESETS: &[Preset] = &[
    Preset::track("Add Payment Info", "Payment Info Entered", "add_payment_info"),
    Preset::track("Add to Cart", "Product Added", "add_to_cart"),
    Preset::track("Add to Wishlist", "Product Added to Wishlist", "add_to_wishlist"),
    Preset::track("App Install", "Application Installed", "app_install"),
    Preset::track("App Open", "Application Opened", "app_open"),
    Preset::track("Checkout", "Order Completed", "checkout"),
    Preset::track("Initiate Checkout", "Checkout Started", "initiate_checkout"),
    Preset::track("Lead", "Generate Lead", "lead"),
    Preset::page("Page Visit", "page_visit"),
    Preset::track("Search", "Products Searched", "search"),
    Preset::track("Sign Up", "Signed Up", "signup"),
    Preset::track("Start Trial", "Trial Started", "start_trial"),
    Preset::track("Subscribe", "Subscription Created", "subscribe"),
    Preset::track("View Category", "Product Category Viewed", "view_category"),
    Preset::track("View Content", "Product Viewed", "view_content"),
    Preset::track("Watch Video", "Product Video Watched", "watch_video"),
    ours(
        "Product List Viewed",
        Listens::Track("Product List Viewed"),
        "view_category",
    ),
    ours(
        "Product List Filtered",
        Listens::Track("Product List Filtered"),
        "view_category",
    ),
    ours("Lead Generated", Listens::Track("Lead Generated"), "lead"),
    ours("Screen Visit", Listens::Screen, "page_visit"),
];

/// A preset that Segment does not have.
const fn ours(name: &'static str, listens: Listens, event_name: &'static str) -> Preset {
    Preset::new(name, listens, event_name).only(Compat::Vendor)
}
