//! The result in the event's place.

use serde_json::json;
use signalbox_core::Flow;

use crate::{build, event, json};

const ORDER: &str = r#"{
    "type":"track","messageId":"m1","event":"Order Completed","timestamp":"2026-03-02T09:02:02Z","sentAt":"s",
    "receivedAt":"r","originalTimestamp":"o","integrations":{"All":false,"pin":true},"userId":"u1",
    "properties":{"order_id":"W-1","secret":"x"},
    "context":{"ip":"192.0.2.1","consent":{"categoryPreferences":{"ads":false}}}
}"#;

#[test]
fn only_what_is_mapped_and_what_makes_an_event_stays() {
    let settings =
        "mode = \"replace\"\nfields = { \"properties.id\" = { \"@path\" = \"$.properties.order_id\" } }";
    assert_eq!(
        json(settings, ORDER),
        json!({
            "messageId": "m1", "type": "track", "timestamp": "2026-03-02T09:02:02Z", "originalTimestamp": "o",
            "sentAt": "s", "receivedAt": "r", "integrations": { "All": false, "pin": true },
            "context": { "consent": { "categoryPreferences": { "ads": false } } },
            "properties": { "id": "W-1" }
        })
    );
    assert_eq!(
        json(settings, r#"{"type":"page","name":"x"}"#),
        json!({ "type": "page", "properties": {} })
    );
}

#[test]
fn what_is_mapped_counts_more() {
    let settings = r#"
        mode = "replace"
        [fields]
        type = "screen"
        timestamp = { "@path" = "$.sentAt" }
        integrations = { All = true }
        context = { page = { path = "/" } }
        "#;
    assert_eq!(
        json(settings, ORDER),
        json!({
            "messageId": "m1", "type": "screen", "timestamp": "s", "originalTimestamp": "o",
            "sentAt": "s", "receivedAt": "r", "integrations": { "All": true },
            "context": { "page": { "path": "/" }, "consent": { "categoryPreferences": { "ads": false } } }
        })
    );
}

#[test]
fn without_an_object_there_is_no_event() {
    let map = build("mode = \"replace\"\nfields = { \"@path\" = \"$.traits\" }").unwrap();
    let Flow::Rejected(reason) = map.apply(&mut event(ORDER)) else {
        panic!()
    };
    assert_eq!(reason.code(), "mapping_not_an_object");
}
