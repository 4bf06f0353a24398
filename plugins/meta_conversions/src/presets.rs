//! Segment's actions as presets, and presets for standard events of Meta's that Segment has no action for.

use signalbox_conversions::field::Default::{FirstNumberOf, Nothing};
use signalbox_conversions::{Compat, Listens, Preset};

/// The event describes one product.
const ONE_PRODUCT: &str = r#"{"@arrayPath":["$.properties",{"id":{"@path":"$.product_id"},"quantity":{"@path":"$.quantity"},"item_price":{"@path":"$.price"}}]}"#;
/// The event has a list of products.
const PRODUCTS: &str = r#"{"@arrayPath":["$.properties.products",{"id":{"@path":"$.product_id"},"quantity":{"@path":"$.quantity"},"item_price":{"@path":"$.price"}}]}"#;
const REVENUE: (&str, &str) = ("value", r#"{"@path":"$.properties.revenue"}"#);
const PRICE: (&str, &str) = ("value", r#"{"@path":"$.properties.price"}"#);

/// All presets; Segment's actions come first.
pub(crate) const PRESETS: &[Preset] = &[
    Preset::track("Purchase", "Order Completed", "Purchase")
        .fields(&[REVENUE, ("contents", PRODUCTS)])
        .vendor_fields(&[(
            "value",
            FirstNumberOf(&["properties.revenue", "properties.total", "properties.value"]),
        )])
        .required(&["currency", "value"])
        .absent(&["event_name", "content_category", "search_string"]),
    Preset::track("Initiate Checkout", "Checkout Started", "InitiateCheckout")
        .fields(&[REVENUE, ("contents", PRODUCTS)])
        .absent(&[
            "event_name",
            "content_name",
            "content_type",
            "net_revenue",
            "search_string",
        ]),
    Preset::track("Add to Cart", "Product Added", "AddToCart")
        .fields(&[PRICE, ("contents", ONE_PRODUCT)])
        .absent(&[
            "event_name",
            "content_category",
            "num_items",
            "net_revenue",
            "search_string",
        ]),
    Preset::track("View Content", "Product Viewed", "ViewContent")
        .fields(&[
            PRICE,
            ("contents", ONE_PRODUCT),
            ("content_ids", r#"{"@path":"$.properties.product_id"}"#),
        ])
        .absent(&["event_name", "num_items", "net_revenue", "search_string"]),
    Preset::track("Search", "Products Searched", "Search")
        .fields(&[
            ("contents", ONE_PRODUCT),
            ("search_string", r#"{"@path":"$.properties.query"}"#),
        ])
        .absent(&[
            "event_name",
            "content_name",
            "content_type",
            "num_items",
            "net_revenue",
        ]),
    Preset::page("Page View", "PageView")
        .vendor_fields(&[("value", Nothing), ("currency", Nothing)])
        .absent(&[
            "event_name",
            "currency",
            "value",
            "content_ids",
            "content_name",
            "content_type",
            "contents",
            "content_category",
            "num_items",
            "net_revenue",
            "search_string",
        ]),
    Preset::new("Custom Event", Listens::Nothing, "")
        .fields(&[("event_name", r#"{"@path":"$.event"}"#)])
        .required(&["event_name"])
        .absent(&[
            "currency",
            "value",
            "content_ids",
            "content_name",
            "content_type",
            "contents",
            "content_category",
            "num_items",
            "net_revenue",
            "search_string",
        ]),
    ours("Add Payment Info", "Payment Info Entered", "AddPaymentInfo"),
    ours("Add to Wishlist", "Product Added to Wishlist", "AddToWishlist"),
    ours("Complete Registration", "Signed Up", "CompleteRegistration"),
    ours("Lead", "Generate Lead", "Lead"),
    ours("Start Trial", "Trial Started", "StartTrial"),
    ours("Subscribe", "Subscription Created", "Subscribe"),
];

/// A preset that Segment does not have.
const fn ours(name: &'static str, event: &'static str, event_name: &'static str) -> Preset {
    Preset::track(name, event, event_name).only(Compat::Vendor)
}
