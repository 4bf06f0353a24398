//! No personal value of an event stands in a record, a reason or a warning as it came.

use serde_json::Value as Json;
use signalbox_conversions::Compat;

use super::case::pairs;
use super::run::{Made, Ran, run};
use super::vendor::GoldenVendor;

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

fn collect(key: &str, value: &Json, found: &mut Vec<(String, String)>) {
    match value {
        Json::Object(members) => members.iter().for_each(|(key, value)| collect(key, value, found)),
        Json::Array(items) => items.iter().for_each(|item| collect(key, item, found)),
        Json::String(text) if PERSONAL.contains(&key) => found.push((key.to_owned(), text.clone())),
        Json::Number(number) if PERSONAL.contains(&key) => found.push((key.to_owned(), number.to_string())),
        _ => {}
    }
}

/// Holds that the default mode sends personal values of the cases as hashes only, except those of the keys that the vendor
/// wants `plain`, and that no reason or warning shows one. Cases that put personal paths into fields that are sent as they
/// are, on purpose, begin with a prefix of `skipped`.
///
/// # Panics
/// If a personal value is found, or hardly any was looked for.
pub fn personal_values<G: GoldenVendor>(vendor: &G, plain: &[&str], skipped: &[&str]) {
    let (pairs, _) = pairs::<G>("cases.jsonl", "golden.jsonl");
    let (mut looked_at, mut sent) = (0, 0);
    for (case, _) in &pairs {
        if skipped.iter().any(|prefix| case.name.starts_with(prefix)) {
            continue;
        }
        let Ok(ran) = run(vendor, case, Compat::Vendor) else {
            continue;
        };
        for (event, ran) in case.events().zip(ran) {
            let Ran::Made(made) = ran else { continue };
            let event: Json = serde_json::from_str(event).unwrap();
            let mut values = Vec::new();
            collect("", &event, &mut values);
            // Hashes are no plain text, and short texts stand anywhere.
            values.retain(|(_, value)| value.trim().len() >= 4 && !is_hash(value.trim()));
            for (_, made) in made {
                let (body, told) = match made {
                    Made::Sent(record, body) => {
                        sent += 1;
                        (body.to_string(), format!("{:?}\n{record:?}", record.warnings))
                    }
                    Made::Refused(code, warnings) => (String::new(), format!("{code}\n{warnings:?}")),
                    Made::Broken(_) => continue,
                };
                looked_at += values.len();
                for (key, value) in &values {
                    let quoted = serde_json::to_string(value).unwrap();
                    let is_in = |text: &str| text.contains(value) || text.contains(quoted.trim_matches('"'));
                    let there = is_in(&told) || is_in(&body) && !plain.contains(&key.as_str());
                    assert!(!there, "{}: a personal value ({key}) is in the record", case.name);
                }
            }
        }
    }
    assert!(
        looked_at > pairs.len() && sent > pairs.len() / 2,
        "{looked_at} values, {sent} records"
    );
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
