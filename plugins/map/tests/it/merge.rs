//! The result laid over the event.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use signalbox_core::{Flow, HashedPath, LimitedDataProcessing, Sha256Hex};

use crate::{build, event, json, made};

const ORDER: &str = r#"{"type":"track","messageId":"m1","event":"Order Completed","properties":{"revenue":12345678901234567890,"total":1.50,"tags":["a"]},"context":{"ip":"192.0.2.1"}}"#;

#[test]
fn values_are_put_where_paths_lead_and_the_rest_stays() {
    let settings = r#"
        remove = ["properties.revenue", "properties.none"]
        [fields]
        "properties.value" = { "@path" = "$.properties.revenue" }
        properties.tags = [{ "@path" = "$.event" }]
        "$.context.traits.plan" = "gold"
        "#;
    let (text, warnings) = made(settings, ORDER);
    assert_eq!(
        text,
        r#"{"type":"track","messageId":"m1","event":"Order Completed","properties":{"total":1.50,"tags":["Order Completed"],"value":12345678901234567890},"context":{"ip":"192.0.2.1","traits":{"plan":"gold"}}}"#
    );
    assert_eq!(warnings, []);
}

#[test]
fn what_is_not_found_changes_nothing() {
    let settings =
        "fields = { event = { \"@path\" = \"$.name\" }, \"context.ip\" = { \"@path\" = \"$.x.y\" } }";
    assert_eq!(made(settings, ORDER).0, ORDER);
    let whole = "fields = { \"@path\" = \"$.traits\" }";
    assert_eq!(made(whole, ORDER), (ORDER.to_owned(), vec![]));
}

#[test]
fn only_what_the_trigger_matches_is_mapped() {
    let settings = "trigger = 'type = \"page\"'\nfields = { seen = true }\nremove = [\"event\"]";
    assert_eq!(made(settings, ORDER).0, ORDER);
    assert_eq!(
        json(settings, r#"{"type":"page","event":"x"}"#),
        json!({ "type": "page", "seen": true })
    );
}

#[test]
fn removing_needs_no_mapping() {
    assert_eq!(
        json(
            "remove = [\"properties\", \"context.ip\", \"a.0\"]",
            r#"{"properties":{"a":1},"context":{"ip":"192.0.2.1","page":{}},"a":[1,2]}"#
        ),
        json!({ "context": { "page": {} }, "a": [2] })
    );
}

#[test]
fn hashes_that_move_are_listed_in_the_facts() {
    let hash = |text| Sha256Hex::of(text).as_str().to_owned();
    let payload = json!({ "traits": { "emails": [hash("a"), hash("b")], "phone": hash("1") } }).to_string();
    let listed = |settings: &str| {
        let mut event = event(&payload);
        for path in ["traits.emails", "traits.phone"] {
            event.facts_mut().hashed.push(HashedPath {
                path: path.into(),
                rules: "pinterest".into(),
                kind: None,
                hashes: Vec::new(),
            });
        }
        assert_eq!(build(settings).unwrap().apply(&mut event), Flow::Pass);
        let lists = event.facts().hashed.iter().map(|one| one.hashes.join(" "));
        lists.collect::<Vec<_>>()
    };
    let moved = r#"
        remove = ["traits.emails"]
        [fields]
        contacts = { "@path" = "$.traits.emails" }
        "#;
    assert_eq!(listed(moved), [[hash("a"), hash("b")].join(" "), String::new()]);
    // Hashes that stay at their path need no list.
    assert_eq!(listed("fields = { seen = true }"), ["", ""]);
}

#[test]
fn a_directive_can_be_the_whole_mapping() {
    assert_eq!(
        json(
            "fields = { \"@path\" = \"$.properties\" }",
            r#"{"type":"track","properties":{"type":"page","a":{"b":1}},"a":{"c":2}}"#
        ),
        json!({ "type": "page", "properties": { "type": "page", "a": { "b": 1 } }, "a": { "b": 1, "c": 2 } })
    );
    let (text, warnings) = made("fields = { \"@path\" = \"$.event\" }", ORDER);
    assert_eq!(text, ORDER);
    assert_eq!(warnings, [("mapping_not_an_object".to_owned(), String::new())]);
}

#[test]
fn a_member_that_fails_is_left_out_and_the_others_go_on() {
    let settings = r#"
        [fields]
        seen = true
        properties = { name = { "@case" = { value = { "@path" = "$.event" }, operator = "title" } }, x = 1 }
        "#;
    let (text, warnings) = made(settings, ORDER);
    assert_eq!(
        text,
        format!("{},\"seen\":true}}", ORDER.strip_suffix('}').unwrap())
    );
    assert_eq!(warnings, [("mapping_failed".to_owned(), "properties".to_owned())]);
}

#[test]
fn a_whole_mapping_that_fails_rejects_the_event() {
    let map = build("fields = { \"@merge\" = { objects = [{ a = 1 }] } }").unwrap();
    let mut order = event(ORDER);
    let Flow::Rejected(reason) = map.apply(&mut order) else {
        panic!()
    };
    assert_eq!(reason.code(), "mapping_failed");
    assert_eq!(order.to_json(), ORDER);
}

#[test]
fn an_event_stays_an_event() {
    let settings = r#"
        [fields]
        messageId = { "@path" = "$.properties.id" }
        type = { "@path" = "$.properties.kind" }
        context = { "@path" = "$.properties.kind" }
        "#;
    let with = |id: &str, kind: &str| {
        let text = format!(
            r#"{{"type":"track","messageId":"m1","properties":{{"id":{id},"kind":{kind}}},"context":{{"consent":{{"categoryPreferences":{{"ads":false}}}}}}}}"#
        );
        let (made, warnings) = made(settings, &text);
        let made: Value = serde_json::from_str(&made).unwrap();
        assert_eq!(made["context"]["consent"]["categoryPreferences"]["ads"], false);
        let mut paths: Vec<String> = warnings
            .into_iter()
            .map(|(code, path)| code + " " + &path)
            .collect();
        paths.sort();
        (made["messageId"].clone(), made["type"].clone(), paths.join(", "))
    };
    let all = "mapping_kept context, mapping_kept messageId, mapping_kept type";
    assert_eq!(
        with("7", "\"purchase\""),
        ("m1".into(), "track".into(), all.into())
    );
    assert_eq!(with("\"\"", "null"), ("m1".into(), "track".into(), all.into()));
    assert_eq!(
        with("\"m2\"", "\"screen\""),
        ("m2".into(), "screen".into(), "mapping_kept context".into())
    );
    assert_eq!(with("\"m2\"", "{}").2, "mapping_kept type");
}

#[test]
fn facts_and_receipt_stay() {
    let map = build("fields = { a = 1 }").unwrap();
    let mut order = event(ORDER);
    order.facts_mut().limited_data_processing = Some(LimitedDataProcessing {
        state: "CA".into(),
        country: "US".into(),
    });
    let (receipt, facts) = (order.receipt().clone(), order.facts().clone());
    assert_eq!(map.apply(&mut order), Flow::Pass);
    assert_eq!((order.receipt(), order.facts()), (&receipt, &facts));
    assert_eq!(order.message_id(), "m1");
}

#[test]
fn what_could_not_be_read_again_is_rejected() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(95), "]".repeat(95));
    let map = build("fields = { b.c.d.e.f.g.h.i.j = { \"@path\" = \"$.a\" } }").unwrap();
    let mut order = event(&deep);
    let Flow::Rejected(reason) = map.apply(&mut order) else {
        panic!()
    };
    assert_eq!(reason.code(), "mapping_too_deep");
    assert_eq!(order.to_json(), deep);
}

/// A simple reference implementation of merging.
fn merged(under: &Value, over: &Value) -> Value {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            let mut all: Map<String, Value> = under.clone();
            for (key, value) in over {
                let value = under
                    .get(key)
                    .map_or_else(|| value.clone(), |old| merged(old, value));
                all.insert(key.clone(), value);
            }
            Value::Object(all)
        }
        _ => over.clone(),
    }
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a\"\\\\\u{1}é]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 24, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            object(inner, 24),
        ]
    })
}

fn object(value: impl Strategy<Value = Value>, most: usize) -> impl Strategy<Value = Value> {
    prop::collection::hash_map("[a-f]{1,2}", value, 0..most)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_is_what_it_is_said_to_be(under in object(tree(), 24), over in object(tree(), 24)) {
        let map = build("fields = { \"@path\" = \"$.over\" }").unwrap();
        let mut before = under.clone();
        before["over"] = over.clone();
        let mut order = event(&before.to_string());
        prop_assert_eq!(map.apply(&mut order), Flow::Pass);
        let after: Value = serde_json::from_str(&order.to_json()).unwrap();
        prop_assert_eq!(after, merged(&before, &over));
    }
}
