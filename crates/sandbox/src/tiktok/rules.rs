//! Rules over a whole event.

use crate::judge::facts::{Facts, Findings};

/// Standard events, the older names that TikTok still takes, and the reserved names that it maps to them.
const STANDARD: [&str; 26] = [
    "AddPaymentInfo",
    "AddToCart",
    "AddToWishlist",
    "ApplicationApproval",
    "CompleteRegistration",
    "Contact",
    "CustomizeProduct",
    "Download",
    "FindLocation",
    "InitiateCheckout",
    "Lead",
    "Purchase",
    "Schedule",
    "Search",
    "StartTrial",
    "SubmitApplication",
    "Subscribe",
    "ViewContent",
    // Called Purchase and Lead since 2025.
    "CompletePayment",
    "SubmitForm",
    // Supported until 2027.
    "ClickButton",
    "PlaceAnOrder",
    // Reserved.
    "Browse",
    "Checkout",
    "PageView",
    "Registration",
];

/// Checks that the name is of a kind that the event source takes.
pub(super) fn name(source: &str, event: &Facts, found: &mut Findings) {
    let name = event.text("event");
    let standard = STANDARD.contains(&name);
    if name.is_empty() {
        found.error("'event' is empty");
    } else if source == "offline" && !standard {
        found.error("'event' is not a standard event, as offline events must be");
    } else if source == "crm" && standard {
        found.error("'event' is a standard event; crm events must be custom");
    }
}

/// Checks for the property that the event source requires.
pub(super) fn required(source: &str, event: &Facts, found: &mut Findings) {
    let needed = match source {
        "web" => ("url", "'page.url' is required for web events"),
        "app" => ("app_id", "'app.app_id' is required for app events"),
        "crm" => ("lead_id", "'lead.lead_id' is required for crm events"),
        _ => return,
    };
    if !event.has(needed.0) {
        found.error(needed.1);
    }
}

/// The properties that TikTok reads for some event sources only.
const PLACES: [(&str, &[&str]); 11] = [
    ("external_id", &["web", "crm"]),
    ("ttclid", &["web"]),
    ("ttp", &["web"]),
    ("ip", &["web", "app"]),
    ("user_agent", &["web", "app"]),
    ("locale", &["web", "app"]),
    ("idfa", &["app"]),
    ("idfv", &["app"]),
    ("gaid", &["app"]),
    ("att_status", &["app"]),
    ("limited_data_use", &["web", "app"]),
];

/// Warns of properties that TikTok does not read for this event source.
pub(super) fn misplaced(source: &str, event: &Facts, found: &mut Findings) {
    for (name, sources) in PLACES {
        if event.has(name) && !sources.contains(&source) {
            found.warning(format!("'{name}' is not read for {source} events"));
        }
    }
}

/// Returns true if events of this source can ask for limited data use.
pub(super) fn limits_data_use(source: &str) -> bool {
    matches!(source, "web" | "app")
}
