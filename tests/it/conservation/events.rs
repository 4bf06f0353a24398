//! The events that clients send, and how each looks at its destinations.

use serde_json::{Value, json};
use signalbox_core::Sha256Hex;

/// Texts that occur only in the personal values of these events.
pub(super) const PERSONAL: &[&str] = &["zqmail", "zqfirst", "zqlast", "zquser", "zqstreet", "zqtown"];

/// Every tenth event is none of a vendor's.
pub(super) fn is_order(number: u64) -> bool {
    !number.is_multiple_of(10)
}

/// The id of an event; it shows that the event is one of these.
pub(super) fn id(number: u64) -> String {
    format!("conserved-{number}")
}

/// The number in an id.
pub(super) fn number(id: &str) -> u64 {
    id.strip_prefix("conserved-")
        .unwrap_or_else(|| panic!("{id}"))
        .parse()
        .unwrap()
}

fn email(number: u64) -> String {
    format!("buyer{number}@zqmail.example")
}

/// Every event's content follows from its number.
pub(super) fn event(number: u64) -> Value {
    json!({
        "type": "track",
        "event": if is_order(number) { "Order Completed" } else { "Help Opened" },
        "messageId": id(number),
        "userId": format!("zquser-{number}"),
        "context": {
            "library": { "name": "analytics-node", "version": "3.1.0" },
            "page": { "url": "https://shop.example/thanks" }, "userAgent": "Mozilla/5.0",
            "traits": {
                "email": email(number), "firstName": format!("Zqfirst{number}"), "lastName": "Zqlast",
                "address": { "street": "1 Zqstreet", "city": "Zqtown", "country": "US" }
            }
        },
        "properties": {
            "order_id": format!("order-{number}"), "total": total(number), "currency": "USD",
            "note": format!("é\u{1F33B}{}", "x".repeat((number % 300) as usize))
        }
    })
}

fn total(number: u64) -> f64 {
    (number % 9973) as f64 + 0.5
}

/// Asserts that Pinterest has an event as it was sent, hashed.
pub(super) fn same_at_pinterest(number: u64, got: &Value) {
    assert_eq!(got["event_name"], "checkout", "{got}");
    assert_eq!(got["user_data"]["em"], hashes(&email(number)), "{got}");
    assert_eq!(
        got["user_data"]["external_id"],
        hashes(&format!("zquser-{number}")),
        "{got}"
    );
    assert_eq!(got["custom_data"]["value"], total(number).to_string(), "{got}");
    assert_eq!(got["custom_data"]["order_id"], format!("order-{number}"), "{got}");
}

/// Asserts that Meta has an event as it was sent, hashed.
pub(super) fn same_at_meta(number: u64, got: &Value) {
    assert_eq!(got["user_data"]["em"], hashes(&email(number)), "{got}");
    assert_eq!(
        got["user_data"]["external_id"],
        hashes(&format!("zquser-{number}")),
        "{got}"
    );
    assert_eq!(got["custom_data"]["value"].as_f64(), Some(total(number)), "{got}");
    assert_eq!(got["custom_data"]["order_id"], format!("order-{number}"), "{got}");
}

/// Asserts that TikTok has an event as it was sent, hashed.
pub(super) fn same_at_tiktok(number: u64, got: &Value) {
    assert_eq!(got["user"]["email"], hashes(&email(number)), "{got}");
    assert_eq!(
        got["user"]["external_id"],
        hashes(&format!("zquser-{number}")),
        "{got}"
    );
    assert_eq!(got["properties"]["value"].as_f64(), Some(total(number)), "{got}");
    assert_eq!(got["properties"]["order_id"], format!("order-{number}"), "{got}");
}

/// The list that holds a text's hash.
fn hashes(text: &str) -> Value {
    json!([Sha256Hex::of(text).as_str()])
}

/// Asserts that the archive has an event as it was sent, hashed.
pub(super) fn same_in_archive(number: u64, got: &Value) {
    let sent = event(number);
    for member in ["type", "event", "messageId", "properties"] {
        assert_eq!(got[member], sent[member], "{got}");
    }
    assert_eq!(
        got["context"]["traits"]["email"],
        Sha256Hex::of(&email(number)).as_str(),
        "{got}"
    );
}
