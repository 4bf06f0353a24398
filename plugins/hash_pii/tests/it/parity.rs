//! Hashing here and hashing at the sink come to the same.

use proptest::prelude::*;
use serde_json::{Value, json};
use signalbox_conversions::personal::rules::{META, PINTEREST, SEGMENT, TIKTOK};
use signalbox_conversions::personal::{self, Field, Nowhere, Rules, segment, split_name};
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
            "Mary Ann",
            "de la Cruz, Maria",
            "Cust_99",
            "",
            " "
        ])
        .prop_map(str::to_owned),
    ]
}

/// The hashes of a value, each once.
fn hashes(field: Field, rules: &'static Rules, text: &str) -> Vec<String> {
    let (mut all, mut scratch) = (Vec::new(), String::new());
    personal::hash_each(field, rules, text, &Nowhere, &mut scratch, &mut |result| {
        all.extend(result.map(|hashed| hashed.hash.as_str().to_owned()));
    });
    distinct(all)
}

fn distinct(mut all: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    all.retain(|hash| !hash.is_empty() && seen.insert(hash.clone()));
    all
}

/// The text that stands at a path, if any.
fn left(payload: &Value, path: &str) -> Vec<String> {
    let text = payload.pointer(path).and_then(Value::as_str);
    text.map(str::to_owned).into_iter().collect()
}

fn are_blank(texts: &[String]) -> bool {
    let is_blank = |text: &String| {
        text.trim_matches(signalbox_segment::value::is_js_space)
            .is_empty()
    };
    texts.iter().all(is_blank)
}

proptest! {
    #[test]
    fn what_the_sink_would_hash_is_what_stands_there(text in text()) {
        let mut scratch = String::new();
        for rules in [&PINTEREST, &SEGMENT, &META, &TIKTOK] {
            let transform = build(Side::Source, &format!("rules = \"{}\"", rules.name())).unwrap();
            let made = apply(&*transform, &everywhere(&text));
            for (path, field) in PATHS {
                let left = left(&made.payload, path);
                let wanted = hashes(field, rules, &text);
                if wanted.is_empty() {
                    // Gone, or still as blank as it was.
                    prop_assert!(are_blank(&left), "{}", path);
                    continue;
                }
                if rules.screened() {
                    prop_assert_eq!(&left, &wanted[..1], "{}", path);
                } else {
                    let sent = segment::hash(field, &SEGMENT, &text, &mut scratch).unwrap();
                    prop_assert_eq!(&left, &[sent.as_str().to_owned()], "{}", path);
                }
                // And the sink, given the hash, sends it on; the facts hold the others.
                prop_assert_eq!(hashes(field, rules, &left[0]), &wanted[..1], "{}", path);
                let path = path[1..].replace('/', ".");
                let list = made.list(&path, rules.name()).unwrap_or_default();
                let list = distinct(list.into_iter().map(str::to_owned).collect());
                prop_assert!(list == wanted || list.is_empty() && wanted.len() == 1, "{}", path);
            }
        }
    }

    #[test]
    fn the_facts_hold_what_each_sink_would_hash(text in text()) {
        let all = [&PINTEREST, &SEGMENT, &META, &TIKTOK];
        let transform = build(Side::Source, r#"rules = ["pinterest", "segment", "meta", "tiktok"]"#).unwrap();
        let made = apply(&*transform, &everywhere(&text));
        for (pointer, field) in PATHS {
            let path = pointer[1..].replace('/', ".");
            let wanted = all.map(|rules| hashes(field, rules, &text));
            let left = left(&made.payload, pointer);
            let Some(first) = wanted.iter().find(|hashes| !hashes.is_empty()) else {
                prop_assert!(are_blank(&left), "{}", path);
                continue;
            };
            prop_assert_eq!(left.first(), first.first(), "{}", path);
            for (rules, wanted) in all.into_iter().zip(&wanted) {
                match made.list(&path, rules.name()) {
                    Some(list) => {
                        let list = list.into_iter().map(str::to_owned).collect();
                        prop_assert_eq!(&distinct(list), wanted, "{} {}", path, rules.name());
                    }
                    // A hash that arrived.
                    None => prop_assert_eq!(wanted, first, "{}", path),
                }
            }
        }
    }

    #[test]
    fn a_full_name_gives_the_parts_the_sink_would_make(name in "[A-Za-zé,. ]{0,24}") {
        let transform = build(Side::Source, "").unwrap();
        let made = apply(&*transform, &json!({ "traits": { "name": name } }));
        let (first, last) = split_name(&name);
        for (key, field, part) in [("firstName", Field::FirstName, first), ("lastName", Field::LastName, last)] {
            let mut wanted = part.map(|part| hashes(field, &PINTEREST, part)).unwrap_or_default();
            wanted.truncate(1);
            prop_assert_eq!(left(&made.payload, &format!("/traits/{key}")), wanted, "{}", key);
        }
    }
}
