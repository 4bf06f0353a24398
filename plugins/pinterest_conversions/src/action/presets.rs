//! Segment's sixteen presets: which event becomes which conversion when nothing is configured.

/// Events that a preset listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listens {
    /// A `track` call with exactly this event name; case and blanks count, as at Segment.
    Track(&'static str),
    /// Any `page` call.
    Page,
}

/// A preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Segment's name for it; also the record's mapping name.
    pub name: &'static str,
    /// Events that the preset listens to.
    pub listens: Listens,
    /// Pinterest's name of the conversion.
    pub event_name: &'static str,
}

impl Preset {
    /// The trigger as Segment writes it.
    pub fn trigger(&self) -> String {
        match self.listens {
            Listens::Track(event) => format!("type = \"track\" and event = \"{event}\""),
            Listens::Page => "type = \"page\"".to_owned(),
        }
    }
}

const fn track(name: &'static str, event: &'static str, event_name: &'static str) -> Preset {
    Preset {
        name,
        listens: Listens::Track(event),
        event_name,
    }
}

/// All presets, in Segment's order.
pub const PRESETS: &[Preset] = &[
    track("Add Payment Info", "Payment Info Entered", "add_payment_info"),
    track("Add to Cart", "Product Added", "add_to_cart"),
    track("Add to Wishlist", "Product Added to Wishlist", "add_to_wishlist"),
    track("App Install", "Application Installed", "app_install"),
    track("App Open", "Application Opened", "app_open"),
    track("Checkout", "Order Completed", "checkout"),
    track("Initiate Checkout", "Checkout Started", "initiate_checkout"),
    track("Lead", "Generate Lead", "lead"),
    Preset {
        name: "Page Visit",
        listens: Listens::Page,
        event_name: "page_visit",
    },
    track("Search", "Products Searched", "search"),
    track("Sign Up", "Signed Up", "signup"),
    track("Start Trial", "Trial Started", "start_trial"),
    track("Subscribe", "Subscription Created", "subscribe"),
    track("View Category", "Product Category Viewed", "view_category"),
    track("View Content", "Product Viewed", "view_content"),
    track("Watch Video", "Product Video Watched", "watch_video"),
];

/// The preset of a name: as Segment shows it, in any letter case, or Pinterest's event name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS
        .iter()
        .find(|preset| preset.name.eq_ignore_ascii_case(name) || preset.event_name == name)
}
