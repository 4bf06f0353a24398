//! JSON that programs of two versions exchange: a version only adds members, and passes over those that it does not know.

use serde_json::{Value, json};

/// Adds an unknown member to each object, as a later version may. Members named in `maps` are left alone: their objects have
/// names, or variants, as keys.
pub fn add_members(value: &mut Value, maps: &[&str]) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                if !maps.contains(&name.as_str()) {
                    add_members(value, maps);
                }
            }
            members.insert("of a later version".into(), json!({ "since": [2, null] }));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| add_members(value, maps)),
        _ => {}
    }
}

/// Checks that a value has every member of an earlier one, with the same content.
///
/// # Panics
/// If one is gone or has another content; `place` names it.
pub fn has_all_of(now: &Value, before: &Value, place: &str) {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            for (name, before) in before {
                let place = format!("{place}.{name}");
                let now = now.get(name);
                has_all_of(now.unwrap_or_else(|| panic!("{place} is gone")), before, &place);
            }
        }
        (Value::Array(now), Value::Array(before)) => {
            assert_eq!(now.len(), before.len(), "{place}");
            for (now, before) in now.iter().zip(before) {
                has_all_of(now, before, place);
            }
        }
        _ => assert_eq!(now, before, "{place}"),
    }
}
