//! Segment's presets of the three destinations, and further ones of TikTok's list of events: the event that makes each conversion
//! when nothing is configured.

use signalbox_conversions::field::Default::Json;
use signalbox_conversions::{Compat, Listens, Preset};

/// The members of a product, as all three destinations map them.
macro_rules! contents {
    ($list:literal) => {
        &[(
            "contents",
            concat!(r#"{"@arrayPath":[""#, $list, r#"",{"price":{"@path":"$.price"},"quantity":{"@path":"$.quantity"},"content_category":{"@path":"$.category"},"content_id":{"@path":"$.product_id"},"content_name":{"@path":"$.name"},"brand":{"@path":"$.brand"}}]}"#),
        )]
    };
}

type Fields = &'static [(&'static str, &'static str)];

/// The products of the event.
const SEVERAL: Fields = contents!("$.properties.products");
/// The one product that the properties describe.
const ONE: Fields = contents!("$.properties");
const NONE: Fields = &[];

const fn on(name: &'static str, event: &'static str, event_name: &'static str, fields: Fields) -> Preset {
    Preset::new(name, Listens::Event(event), event_name).fields(fields)
}

/// The presets of web, CRM and offline events. TikTok has renamed two events in May 2025 and still knows their old names, which
/// Segment sends; it supports ClickButton and PlaceAnOrder until 2027.
#[rustfmt::skip]
pub(crate) const PRESETS: &[Preset] = &[
    on("Complete Payment", "Order Completed", "CompletePayment", SEVERAL).vendor_fields(&[("event", Json(r#""Purchase""#))]),
    on("Contact", "Callback Started", "Contact", NONE),
    on("Subscribe", "Subscription Created", "Subscribe", NONE),
    on("Submit Form", "Form Submitted", "SubmitForm", NONE).vendor_fields(&[("event", Json(r#""Lead""#))]),
    Preset::page("Page View", "PageView").fields(SEVERAL),
    on("View Content", "Product Viewed", "ViewContent", ONE),
    on("Click Button", "Product Clicked", "ClickButton", ONE),
    on("Search", "Products Searched", "Search", ONE),
    on("Add to Wishlist", "Product Added to Wishlist", "AddToWishlist", ONE),
    on("Add to Cart", "Product Added", "AddToCart", ONE),
    on("Initiate Checkout", "Checkout Started", "InitiateCheckout", SEVERAL),
    on("Add Payment Info", "Payment Info Entered", "AddPaymentInfo", SEVERAL),
    on("Place an Order", "Order Placed", "PlaceAnOrder", SEVERAL),
    on("Download", "Download Link Clicked", "Download", NONE),
    on("Complete Registration", "Signed Up", "CompleteRegistration", NONE),
    on("Lead", "Generate Lead", "Lead", NONE).only(Compat::Vendor),
    on("Lead Generated", "Lead Generated", "Lead", NONE).only(Compat::Vendor),
    on("Start Trial", "Trial Started", "StartTrial", NONE).only(Compat::Vendor),
];

/// The presets of app events.
#[rustfmt::skip]
pub(crate) const APP_PRESETS: &[Preset] = &[
    on("Complete payment", "Order Completed", "Purchase", SEVERAL),
    on("Add payment information", "Payment Info Entered", "AddPaymentInfo", SEVERAL),
    on("Place an order", "Checkout Started", "Checkout", SEVERAL),
    on("Search", "Products Searched", "Search", NONE),
    on("View details", "Product Viewed", "ViewContent", ONE),
    on("Add to cart", "Product Added", "AddToCart", ONE),
    on("Add to wishlist", "Product Added to Wishlist", "AddToWishlist", ONE),
    on("Install the app", "Application Installed", "InstallApp", NONE),
    on("Launch the app", "Application Opened", "LaunchAPP", NONE),
    on("Log in successfully", "Signed In", "Login", NONE),
    on("Complete the registration", "Signed Up", "Registration", NONE),
    on("Generate a lead", "Generate Lead", "GenerateLead", NONE).only(Compat::Vendor),
    on("Lead Generated", "Lead Generated", "GenerateLead", NONE).only(Compat::Vendor),
    on("Start a trial", "Trial Started", "StartTrial", NONE).only(Compat::Vendor),
    on("Subscribe", "Subscription Created", "Subscribe", NONE).only(Compat::Vendor),
];
