//! No personal value of an event stands in a record, a reason or a warning as it came.

use serde_json::Value as Json;
use signalbox_conversions::Compat;

use crate::support::{Made, pairs, run};

/// Keys of personal values, wherever they stand in an event. `properties.name` is a product's and needs no secret.
const PERSONAL: [&str; 20] = [
    "email",
    "phone",
    "firstName",
    "first_name",
    "lastName",
    "last_name",
    "gender",
    "birthday",
    "date_of_birth",
    "dob",
    "city",
    "state",
    "zip",
    "postalCode",
    "postal_code",
    "street",
    "userId",
    "external_id",
    "advertisingId",
    "hashed_maids",
];

fn collect(key: &str, value: &Json, found: &mut Vec<String>) {
    match value {
        Json::Object(members) => members.iter().for_each(|(key, value)| collect(key, value, found)),
        Json::Array(items) => items.iter().for_each(|item| collect(key, item, found)),
        Json::String(text) if PERSONAL.contains(&key) => found.push(text.clone()),
        Json::Number(number) if PERSONAL.contains(&key) => found.push(number.to_string()),
        _ => {}
    }
}

#[test]
fn personal_values_leave_as_hashes_only() {
    let (pairs, _) = pairs("cases.jsonl", "golden.jsonl");
    let (mut looked_at, mut sent) = (0, 0);
    for (case, _) in &pairs {
        // These put personal paths into fields that are sent as they are, on purpose.
        if case.name.starts_with("directive/") || case.name.starts_with("multi_user/") {
            continue;
        }
        let event: Json = serde_json::from_str(case.event.get()).unwrap();
        let mut values = Vec::new();
        collect("", &event, &mut values);
        // Hashes are no plain text, and short texts stand anywhere.
        values.retain(|value| value.trim().len() >= 4 && !is_hash(value.trim()));
        let text = match run(case, Compat::Vendor) {
            Ok(Made::Sent(record)) => {
                sent += 1;
                format!(
                    "{}\n{:?}\n{record:?}",
                    String::from_utf8_lossy(&record.bytes),
                    record.warnings
                )
            }
            Ok(Made::Refused(code, warnings)) => format!("{code}\n{warnings:?}"),
            _ => continue,
        };
        looked_at += values.len();
        for value in values {
            let quoted = serde_json::to_string(&value).unwrap();
            let there = text.contains(&value) || text.contains(quoted.trim_matches('"'));
            assert!(!there, "{}: a personal value is in the record", case.name);
        }
    }
    assert!(
        looked_at > 500 && sent > 300,
        "{looked_at} values, {sent} records"
    );
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
