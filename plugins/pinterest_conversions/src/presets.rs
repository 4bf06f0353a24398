//! Segment's sixteen presets: which event becomes which conversion when nothing is configured.

use signalbox_conversions::Preset;

/// All presets, in Segment's order.
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
];
