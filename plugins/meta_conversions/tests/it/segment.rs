//! `compat = "segment"` beyond the golden cases: opt-outs of transforms, test codes, mappings without a preset.

use serde_json::{Value as Json, json};
use signalbox_core::{Event, LimitedDataProcessing, Prepared, Record, Rejection, Resend};
use signalbox_testkit::golden::event;

use crate::support::build;

fn order(address: Option<&str>) -> Event {
    let json = json!({
        "type": "track", "event": "Order Completed", "messageId": "m1", "timestamp": "2026-03-02T08:02:02.500Z",
        "context": { "ip": address, "userAgent": "Mozilla/5.0" },
        "properties": { "revenue": 215, "currency": "USD" },
    });
    event(&json.to_string()).unwrap()
}

/// The result of an event under the only mapping of a sink with Segment's rules.
fn result(mapping: &str, more: &str, event: &Event) -> Result<Record, Rejection> {
    let settings = format!(
        "compat = \"segment\"\npresets = \"none\"\n{more}\n[[mappings]]\n{mapping}\nfields.action_source = \"website\"\n"
    );
    match build(&settings).unwrap().component.prepare(event) {
        Prepared::Mapped(mut results) => results.remove(0),
        other => panic!("{other:?}"),
    }
}

const PURCHASE: &str = "preset = \"Purchase\"";

fn body(record: &Record) -> Json {
    serde_json::from_slice(&record.bytes).unwrap()
}

#[test]
fn opt_outs_of_transforms_are_kept() {
    for (state, address, policy, codes) in [
        ("CA", None, "reject", Some((1, 1000))),
        ("VA", Some("203.0.113.57"), "reject", Some((0, 0))),
        ("VA", None, "reject", None),
        ("VA", None, "send", Some((0, 0))),
    ] {
        let mut event = order(address);
        event.facts_mut().limited_data_processing = Some(LimitedDataProcessing {
            state: state.to_owned(),
            country: "US".to_owned(),
        });
        let result = result(PURCHASE, &format!("on_incomplete = \"{policy}\""), &event);
        let Some((country, code)) = codes else {
            assert_eq!(result.unwrap_err().reason.code(), "ldu_incomplete");
            continue;
        };
        let body = body(&result.unwrap());
        assert_eq!(body["data_processing_options"], json!(["LDU"]));
        assert_eq!(
            (
                &body["data_processing_options_country"],
                &body["data_processing_options_state"]
            ),
            (&json!(country), &json!(code)),
            "{state}"
        );
    }
}

#[test]
fn records_of_a_test_code_have_requests_of_their_own() {
    let plain = result(PURCHASE, "", &order(None)).unwrap();
    let with_code = |code: &str| {
        let mapping = format!("{PURCHASE}\nfields.test_event_code = \"{code}\"");
        result(&mapping, "", &order(None))
    };
    let test = with_code("TEST1").unwrap();
    assert_eq!((plain.batch_key, test.batch_key), (0, 1));
    assert_eq!(with_code("").unwrap().batch_key, 0);
    let refused = with_code(&"x".repeat(65)).unwrap_err();
    assert_eq!(refused.reason.code(), "too_many_test_codes");
    // Meta may count a second copy; the router sends none.
    assert_eq!(plain.resend, Resend::MayDuplicate);
    assert_eq!(plain.dedup_key.as_deref(), Some("Purchase m1"));
}

#[test]
fn a_mapping_without_a_preset_is_a_custom_event() {
    let mapping = r#"trigger = "event = \"Order Completed\""
        fields.event_name = "Gift"
        fields.currency = "points"
        fields.custom_data = { level = 3, currency = "EUR" }"#;
    let record = result(mapping, "", &order(None)).unwrap();
    let body = body(&record);
    assert_eq!(body["event_name"], "Gift");
    assert_eq!(body["custom_data"], json!({ "level": 3, "currency": "points" }));
}

#[test]
fn mappings_of_the_second_generation_add_events_only() {
    for (mode, sent) in [("add", true), ("update", false), ("ADD", false)] {
        let mapping = format!("{PURCHASE}\nfields.__segment_internal_sync_mode = \"{mode}\"");
        match result(&mapping, "", &order(None)) {
            Ok(_) => assert!(sent, "{mode}"),
            Err(rejection) => {
                assert!(!sent, "{mode}");
                assert_eq!(rejection.reason.code(), "segment_sync_mode");
            }
        }
    }
}
