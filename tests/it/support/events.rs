//! Segment events, as shops and apps send them. All people are invented.

use serde_json::{Value, json};

/// Formats the time some seconds ago, as SDKs do.
pub(crate) fn ago(seconds: i64) -> String {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// An order from a shop's server, which Pinterest's preset `Checkout` matches.
pub(crate) fn order(id: &str) -> Value {
    json!({
        "type": "track", "event": "Order Completed", "messageId": id, "userId": format!("user-of-{id}"),
        "timestamp": ago(10),
        "context": {
            "library": { "name": "analytics-node", "version": "3.1.0" },
            "ip": "198.51.100.7",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0",
            "traits": { "email": "ada.okafor@example.com", "firstName": "Ada",
                "address": { "city": "Sample City", "state": "California", "country": "US" } }
        },
        "properties": {
            "order_id": format!("order-{id}"), "total": 73.5, "currency": "USD",
            "products": [ { "product_id": "p-1", "name": "Pot", "price": 24.5, "quantity": 3 } ]
        }
    })
}

/// Makes orders with the ids `PREFIX-0`, `PREFIX-1`, ….
pub(crate) fn orders(prefix: &str, count: usize) -> Vec<Value> {
    (0..count).map(|n| order(&format!("{prefix}-{n}"))).collect()
}

/// An event that no preset of Pinterest's matches.
pub(crate) fn unmatched(id: &str) -> Value {
    json!({ "type": "track", "event": "Help Opened", "messageId": id, "userId": "u", "timestamp": ago(5) })
}

/// Sorted values of a member of each object.
pub(crate) fn ids(events: &[Value], member: &str) -> Vec<String> {
    let mut ids: Vec<String> = events
        .iter()
        .map(|event| {
            event[member]
                .as_str()
                .unwrap_or_else(|| panic!("no {member}: {event}"))
                .to_owned()
        })
        .collect();
    ids.sort();
    ids
}
