//! Segment's actions as presets, and presets for standard events of Meta's that Segment has no action for.

use signalbox_conversions::field::Default::Nothing;
use signalbox_conversions::{Compat, Listens, Preset, from_path};

/// Segment's products, mapped from these places.
macro_rules! products {
    ($from:literal) => {
        (
            "contents",
            concat!(
                r#"{"@arrayPath":[""#,
                $from,
                r#"",{"id":{"@path":"$.product_id"},"quantity":{"@path":"$.quantity"},"item_price":{"@path":"$.price"}}]}"#
            ),
        )
    };
}

/// A mapping of a field.
type Mapping = (&'static str, &'static str);

/// The event describes one product.
const ONE_PRODUCT: Mapping = products!("$.properties");
/// The event has a list of products.
const PRODUCTS: Mapping = products!("$.properties.products");
const REVENUE: Mapping = ("value", from_path!("properties.revenue"));
const PRICE: Mapping = ("value", from_path!("properties.price"));
const PRODUCT_ID: Mapping = ("content_ids", from_path!("properties.product_id"));
const QUERY: Mapping = ("search_string", from_path!("properties.query"));

/// Names of fields.
macro_rules! names {
    ($($name:ident)*) => { &[$(stringify!($name)),*] };
}

/// All presets; Segment's actions come first.
#[rustfmt::skip]
pub(crate) const PRESETS: &[Preset] = &[
    Preset::track("Purchase", "Order Completed", "Purchase").fields(&[REVENUE, PRODUCTS])
        .required(names!(currency value)).absent(names!(event_name content_category search_string)),
    Preset::track("Initiate Checkout", "Checkout Started", "InitiateCheckout").fields(&[REVENUE, PRODUCTS])
        .absent(names!(event_name content_name content_type net_revenue search_string)),
    Preset::track("Add to Cart", "Product Added", "AddToCart").fields(&[PRICE, ONE_PRODUCT])
        .absent(names!(event_name content_category num_items net_revenue search_string)),
    Preset::track("View Content", "Product Viewed", "ViewContent").fields(&[PRICE, ONE_PRODUCT, PRODUCT_ID])
        .absent(names!(event_name num_items net_revenue search_string)),
    Preset::track("Search", "Products Searched", "Search").fields(&[ONE_PRODUCT, QUERY])
        .absent(names!(event_name content_name content_type num_items net_revenue)),
    Preset::page("Page View", "PageView").vendor_fields(&[("value", Nothing), ("currency", Nothing)])
        .absent(names!(event_name currency value content_ids content_name content_type contents content_category num_items
            net_revenue search_string)),
    Preset::new("Custom Event", Listens::Nothing, "").fields(&[("event_name", from_path!("event"))])
        .required(names!(event_name)).absent(names!(currency value content_ids content_name content_type contents
            content_category num_items net_revenue search_string)),
    ours("Add Payment Info", "Payment Info Entered", "AddPaymentInfo"),
    ours("App Install", "Application Installed", "MobileAppInstall"),
    ours("Add to Wishlist", "Product Added to Wishlist", "AddToWishlist"),
    ours("Complete Registration", "Signed Up", "CompleteRegistration"),
    ours("Lead", "Generate Lead", "Lead"),
    ours("Lead Generated", "Lead Generated", "Lead"),
    ours("Start Trial", "Trial Started", "StartTrial"),
    ours("Subscribe", "Subscription Created", "Subscribe"),
];

/// A preset that Segment does not have.
const fn ours(name: &'static str, event: &'static str, event_name: &'static str) -> Preset {
    Preset::track(name, event, event_name).only(Compat::Vendor)
}
