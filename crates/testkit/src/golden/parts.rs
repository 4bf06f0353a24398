//! The parts of records that the history reads, held against the records themselves.

use serde_json::Value as Json;
use signalbox_conversions::Spec;
use signalbox_core::{Parameter, Record};

/// Checks the parts that were noted while a record was written against its bytes.
///
/// # Panics
/// If a part is missing or another one, with the name of the case.
pub(super) fn check(case: &str, spec: &Spec, record: &Record) {
    let json: Json = serde_json::from_slice(&record.bytes).unwrap();
    let summary = record.summary();
    let text = |found: Option<&Json>| match found? {
        Json::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let event_row = spec.rows.iter().find(|row| row.field.key == spec.event_field);
    let event_key = event_row.map_or(spec.event_field, |row| row.key.name());
    for (key, found) in [
        (event_key, &summary.event_name),
        ("action_source", &summary.action_source),
        ("event_id", &summary.event_id),
        ("order_id", &summary.order_id),
    ] {
        let expected = match key {
            "order_id" => text(anywhere(&json, key)),
            _ => text(json.get(key)),
        };
        assert_eq!(found.as_deref(), expected.as_deref(), "{case}: {key}");
    }
    let amount = text(anywhere(&json, "value")).and_then(|text| text.parse::<f64>().ok());
    let found = summary.value.as_ref().map(|value| value.millionths as f64 / 1e6);
    let near = |one: f64, other: f64| (one - other).abs() <= one.abs() * 1e-9 + 1e-6;
    if let (Some(found), Some(amount)) = (found, amount) {
        assert!(near(found, amount), "{case}: value");
    } else {
        // Amounts beyond 64 bits of millionths have no place in a sum.
        assert!(
            found.is_none() && amount.is_none_or(|amount| amount.abs() > 9e12),
            "{case}: value"
        );
    }
    let currency = summary.value.and_then(|value| value.currency);
    if found.is_some() {
        assert_eq!(
            currency.as_deref(),
            text(anywhere(&json, "currency")).as_deref(),
            "{case}"
        );
    }
    let person = json.get("user_data").or_else(|| json.get("user"));
    let person = person.and_then(Json::as_object);
    let expected = person.map_or(0, |person| person.values().filter(|value| is_set(value)).count());
    let keys = summary.match_keys.map_or(0, |keys| keys.names().count());
    assert_eq!(keys, expected, "{case}: match keys");
    let carries = |key: &str| anywhere(&json, key).is_some_and(is_set);
    for (parameter, expected) in [
        (Parameter::Value, carries("value")),
        (Parameter::Currency, carries("currency")),
        (Parameter::OrderId, carries("order_id")),
        (Parameter::Contents, carries("contents") || carries("content_ids")),
        (Parameter::EventId, json.get("event_id").is_some_and(is_set)),
    ] {
        assert_eq!(
            summary.parameters.has(parameter),
            expected,
            "{case}: {}",
            parameter.name()
        );
    }
}

/// Finds a value in the record or in an object there.
fn anywhere<'j>(json: &'j Json, key: &str) -> Option<&'j Json> {
    let person = |name: &str| matches!(name, "user_data" | "user");
    let members = json.as_object()?.iter().filter(|(name, _)| !person(name));
    let mut objects = std::iter::once(json).chain(members.map(|(_, member)| member));
    objects.find_map(|object| object.get(key).filter(|value| !value.is_object()))
}

fn is_set(value: &Json) -> bool {
    match value {
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Number(_) => true,
        Json::Null | Json::Bool(_) | Json::Object(_) => false,
    }
}
