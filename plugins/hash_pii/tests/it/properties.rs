//! Properties that hold for any event.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use signalbox_core::{Flow, Side};
use signalbox_testkit::event_of;

use crate::build;

/// A marker in every text at a listed path.
const SECRET: &str = "q7secretz";

fn settings() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "",
        "rules = \"segment\"",
        "rules = [\"tiktok\", \"pinterest\", \"meta\"]",
        "paths = { \"properties.list.0.who\" = \"email\", \"properties.to\" = \"address\", \"properties.list\" = \"name\" }",
    ])
}

/// Any JSON; texts hold the secret in many shapes.
fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just(SECRET.to_owned()),
        Just(format!("{SECRET}@example.com")),
        Just(format!("Dr. {SECRET} Marsh, {SECRET}")),
        "[ 0-9]{0,6}".prop_map(|more| format!("{more}{SECRET}")),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[0-9a-fA-F]{64}".prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(
                proptest::sample::select(vec!["city", "zip", "email", "0", "name"]).prop_map(str::to_owned),
                inner,
                0..3
            )
            .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn person(keys: &'static [&'static str]) -> impl Strategy<Value = Value> {
    proptest::collection::vec((proptest::sample::select(keys.to_vec()), value()), 0..6).prop_map(|members| {
        Value::Object(
            members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Map<_, _>>(),
        )
    })
}

const PERSON: &[&str] = &[
    "email",
    "phone",
    "firstName",
    "first_name",
    "lastName",
    "name",
    "gender",
    "birthday",
    "city",
    "country",
    "state",
];

fn payload() -> impl Strategy<Value = Value> {
    let kind = proptest::sample::select(vec!["track", "identify", "page", "alias"]);
    (
        kind,
        person(PERSON),
        person(PERSON),
        person(&["email", "phone", "last_name"]),
        value(),
        value(),
    )
        .prop_map(|(kind, traits, context, properties, user, device)| {
            json!({
                "type": kind, "messageId": "m1", "userId": user, "traits": traits, "properties": properties,
                "context": { "traits": context, "device": { "advertisingId": device } }
            })
        })
}

/// Any value at a listed path, also inside objects and arrays.
fn wild() -> impl Strategy<Value = Value> {
    (payload(), value(), value()).prop_map(|(mut payload, address, list)| {
        payload["traits"]["address"] = address.clone();
        payload["properties"] = json!({ "list": list, "to": address });
        payload
    })
}

proptest! {
    #[test]
    fn a_second_run_changes_nothing(payload in wild(), first in settings(), again in settings()) {
        let mut event = event_of(&payload);
        prop_assert_eq!(build(Side::Source, first).unwrap().apply(&mut event), Flow::Pass);
        let (text, facts) = (event.to_json(), event.facts().clone());
        prop_assert_eq!(build(Side::Sink, first).unwrap().apply(&mut event), Flow::Pass);
        prop_assert_eq!(event.to_json(), text);
        prop_assert_eq!(event.facts(), &facts);
        // Another one on the sink may hash more, but never twice.
        prop_assert_eq!(build(Side::Sink, again).unwrap().apply(&mut event), Flow::Pass);
        prop_assert!(event.facts().hashed.starts_with(&facts.hashed));
    }

    #[test]
    fn nothing_readable_is_left_at_a_listed_path(payload in payload()) {
        for settings in ["", "rules = \"segment\"", "rules = [\"meta\", \"tiktok\"]"] {
            let mut event = event_of(&payload);
            prop_assert_eq!(build(Side::Source, settings).unwrap().apply(&mut event), Flow::Pass);
            let text = event.to_json();
            prop_assert!(!text.to_lowercase().contains(SECRET), "{}", text);
            let told = format!("{:?}", event.facts());
            prop_assert!(!told.contains(SECRET), "a fact quotes it");
        }
    }
}
