//! Rules over a whole event.

use super::*;

#[test]
fn the_identifier_rule() {
    let rule = "'user_data' needs one of em, hashed_maids, or client_ip_address with client_user_agent";
    let data = |value: Value| with(&["user_data"], value);
    for fine in [
        json!({ "em": [HASH] }),
        json!({ "hashed_maids": [HASH] }),
        json!({ "client_ip_address": "203.0.113.7", "client_user_agent": "UA" }),
    ] {
        assert_eq!(judge(&data(fine)), Judged::Fine);
    }
    for lacking in [
        json!({}),
        json!({ "em": [] }),
        json!({ "em": [], "hashed_maids": [] }),
        json!({ "ph": [HASH], "external_id": [HASH], "click_id": "c" }),
        json!({ "client_ip_address": "203.0.113.7" }),
        json!({ "client_user_agent": "UA" }),
        json!({ "client_ip_address": "203.0.113.7", "client_user_agent": "" }),
    ] {
        failed(&data(lacking), rule);
    }
}

#[test]
fn limited_data_processing_needs_state_and_country() {
    let ldp = |flag: &str, user_data: Value| {
        let mut event = with(&["custom_data", "opt_out_type"], json!(flag));
        event["user_data"] = user_data;
        let text = format!("{{\"data\":[{event}]}}");
        let mut verdicts = body(text.as_bytes(), Rules::default()).unwrap();
        verdicts.remove(0).remarks.ldp
    };
    let both = json!({ "em": [HASH], "st": [HASH], "country": [HASH] });
    assert_eq!(ldp("LDP", both.clone()), Some(true));
    assert_eq!(ldp("CCPA, LDP", both.clone()), Some(true));
    assert_eq!(ldp("LDPX", both), None);
    assert_eq!(ldp("LDP", json!({ "em": [HASH], "st": [HASH] })), Some(false));
    assert_eq!(ldp("LDP", json!({ "em": [HASH], "country": [] })), Some(false));
}

#[test]
fn only_online_events_with_both_names_can_be_duplicates() {
    let key = |path: &str, value: &str| {
        let text = format!("{{\"data\":[{}]}}", with(&[path], json!(value)));
        body(text.as_bytes(), Rules::default())
            .unwrap()
            .remove(0)
            .remarks
            .dedup_key
    };
    assert_eq!(
        key("event_id", "e2"),
        Some(["", "checkout", "e2"].map(str::to_owned))
    );
    assert_eq!(key("event_id", ""), None);
    assert_eq!(key("action_source", "offline"), None);
}
