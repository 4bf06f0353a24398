//! Hashing here and hashing at the sink come to the same.

use proptest::prelude::*;
use serde_json::{Value, json};
use signalbox_conversions::personal::rules::{META, PINTEREST, SEGMENT, TIKTOK};
use signalbox_conversions::personal::{self, Field, segment, split_name};
use signalbox_core::Side;

use crate::{apply, build};

/// A default path for each field.
const PATHS: [(&str, Field); 13] = [
    ("/traits/email", Field::Email),
    ("/traits/phone", Field::Phone),
    ("/traits/firstName", Field::FirstName),
    ("/traits/lastName", Field::LastName),
    ("/traits/gender", Field::Gender),
    ("/traits/birthday", Field::DateOfBirth),
    ("/traits/address/city", Field::City),
    ("/traits/address/state", Field::State),
    ("/traits/address/zip", Field::Zip),
    ("/traits/address/country", Field::Country),
    ("/userId", Field::ExternalId),
    ("/context/device/advertisingId", Field::MobileAdId),
    ("/traits/address/street", Field::Street),
];

fn everywhere(text: &str) -> Value {
    json!({
        "userId": text,
        "context": { "device": { "advertisingId": text } },
        "traits": {
            "email": text, "phone": text, "firstName": text, "lastName": text, "gender": text, "birthday": text,
            "address": { "city": text, "state": text, "zip": text, "country": text, "street": text }
        }
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,24}",
        "[ \t\u{200b}\u{feff}0-9a-fA-F-]{0,20}",
        "[A-Za-z.]{1,8}@[A-Za-z]{1,8}\\.[a-z]{2,3}",
        "[+(]{0,2}[0-9() -]{5,14}",
        "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "[0-9a-fA-F]{64}",
        proptest::sample::select(vec![
            "California",
            "us-ca",
            "USA",
            "Germany",
            "CA",
            "94103-1234",
            "male",
            "n/a",
            "",
            " "
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn what_the_sink_would_hash_is_what_stands_there(text in text()) {
        let mut scratch = String::new();
        for rules in [&PINTEREST, &SEGMENT, &META, &TIKTOK] {
            let transform = build(Side::Source, &format!("rules = \"{}\"", rules.name())).unwrap();
            let made = apply(&*transform, &everywhere(&text));
            for (path, field) in PATHS {
                let left = made.payload.pointer(path).and_then(Value::as_str);
                match personal::hash(field, rules, &text, &mut scratch) {
                    Ok(hash) => {
                        let left = left.unwrap();
                        // And the sink, given the hash, sends it on.
                        prop_assert_eq!(personal::hash(field, rules, left, &mut scratch), Ok(hash), "{}", path);
                        if rules.screened() {
                            prop_assert_eq!(left, hash.as_str(), "{}", path);
                        } else {
                            let sent = segment::hash(field, &SEGMENT, &text, &mut scratch).unwrap();
                            prop_assert_eq!(left, sent.as_str(), "{}", path);
                        }
                    }
                    // Gone, or still as blank as it was.
                    Err(_) => prop_assert!(left.is_none_or(|left| left.trim_matches(signalbox_segment::value::is_js_space).is_empty())),
                }
            }
        }
    }

    #[test]
    fn the_facts_hold_what_each_sink_would_hash(text in text()) {
        let mut scratch = String::new();
        let all = [&PINTEREST, &SEGMENT, &META, &TIKTOK];
        let transform = build(Side::Source, r#"rules = ["pinterest", "segment", "meta", "tiktok"]"#).unwrap();
        let made = apply(&*transform, &everywhere(&text));
        for (pointer, field) in PATHS {
            let path = pointer[1..].replace('/', ".");
            let hashes = all.map(|rules| personal::hash(field, rules, &text, &mut scratch).ok());
            let left = made.payload.pointer(pointer).and_then(Value::as_str);
            let Some(first) = hashes.iter().flatten().next() else {
                prop_assert!(left.is_none_or(|left| left.trim_matches(signalbox_segment::value::is_js_space).is_empty()));
                continue;
            };
            prop_assert_eq!(left, Some(first.as_str()));
            for (rules, hash) in all.into_iter().zip(&hashes) {
                match made.list(&path, rules.name()) {
                    Some(list) => prop_assert_eq!(list, [hash.as_ref().map_or("", |hash| hash.as_str())], "{} {}", path, rules.name()),
                    // A hash that arrived.
                    None => prop_assert_eq!(hash, &Some(*first)),
                }
            }
        }
    }

    #[test]
    fn a_full_name_gives_the_parts_the_sink_would_make(name in "[A-Za-zé,. ]{0,24}") {
        let transform = build(Side::Source, "").unwrap();
        let made = apply(&*transform, &json!({ "traits": { "name": name } }));
        let (first, last) = split_name(&name);
        let mut scratch = String::new();
        for (key, field, part) in [("firstName", Field::FirstName, first), ("lastName", Field::LastName, last)] {
            let wanted = part.and_then(|part| personal::hash(field, &PINTEREST, part, &mut scratch).ok());
            let left = made.payload["traits"][key].as_str();
            prop_assert_eq!(left, wanted.as_ref().map(|hash| hash.as_str()), "{}", key);
        }
    }
}
