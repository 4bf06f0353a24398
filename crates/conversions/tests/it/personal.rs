//! `compat = "segment"`: every hash that Segment's code sent comes out.

use serde_json::Value as Json;
use signalbox_conversions::personal::rules::{PINTEREST, SEGMENT, SEGMENT_META, SEGMENT_TIKTOK};
use signalbox_conversions::personal::{Dropped, Field, hash, normalise, segment};

fn lines(text: &str) -> Vec<Json> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

/// The values that Segment's other destinations sent: hashes, and plain texts where a field is not hashed.
#[test]
fn hashes_as_segments_other_destinations_do() {
    let mut scratch = String::new();
    for (rules, cases) in [
        (&SEGMENT_META, include_str!("../data/meta_hashing.jsonl")),
        (&SEGMENT_TIKTOK, include_str!("../data/tiktok_hashing.jsonl")),
    ] {
        let plain = |field| {
            rules.name() == "segment-tiktok" && matches!(field, Field::City | Field::State | Field::Country)
        };
        let cases = lines(cases);
        assert!(cases.len() > 150);
        for case in &cases {
            let field: Field = serde_json::from_value(case["field"].clone()).unwrap();
            let mut sent = Vec::new();
            for text in case["in"].as_array().unwrap() {
                let text = text.as_str().unwrap();
                if plain(field) {
                    let form = normalise(field, rules, text, &mut scratch);
                    sent.push(form.map_or(String::new(), |_| scratch.clone()));
                } else if let Ok(value) = segment::hash(field, rules, text, &mut scratch) {
                    sent.push(value.as_str().to_owned());
                }
            }
            if rules.name() == "segment-meta" {
                sent.retain(|text| !text.is_empty());
            }
            assert_eq!(
                Json::from(sent),
                case["out"],
                "{} {}: {}",
                rules.name(),
                case["name"],
                case["field"]
            );
        }
    }
}

#[test]
fn hashes_as_segment_does() {
    let cases = lines(include_str!("../data/pinterest_hashing.jsonl"));
    assert!(cases.len() > 150);
    let mut scratch = String::new();
    for case in &cases {
        let field: Field = serde_json::from_value(case["field"].clone()).unwrap();
        let entries = case["in"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry.as_str().unwrap());
        let sent: Result<Vec<_>, Dropped> = entries
            .map(|entry| segment::hash(field, &SEGMENT, entry, &mut scratch).map(|v| v.as_str().to_owned()))
            .collect();
        match case.get("out") {
            Some(expected) => assert_eq!(&Json::from(sent.unwrap()), expected, "{}", case["name"]),
            None => assert_eq!(sent, Err(Dropped::NoDigits), "{}", case["name"]),
        }
    }
}

/// The recorded values that `pinterest` treats differently on purpose, and why.
const DIFFERENT_ON_PURPOSE: [(&str, &[&str]); 9] = [
    (
        "blank texts are absent, not an empty entry",
        &[
            "user_data/email-array-null-and-empty",
            "user_data/all-fields-blank",
            "identifier/email-blank",
            "identifier/email-array-of-empty",
            "identifier/email-array-first-empty",
        ],
    ),
    (
        "placeholders, numbers and booleans are no identity",
        &[
            "user_data/email-array-numbers",
            "user_data/all-fields-numbers",
            "user_data/all-fields-booleans",
            "user_data/all-fields-arrays",
            "user_data/maids-gaid-array",
            "identifier/maids-zeroed-idfa",
            "identifier/email-false",
        ],
    ),
    (
        "what shows nothing goes",
        &["user_data/email-mongolian-vowel-sep"],
    ),
    (
        "phones have no leading zeros, extensions and letters, and a possible length",
        &[
            "user_data/phone-leading-zeros",
            "user_data/phone-zero",
            "user_data/phone-dots-ext",
            "user_data/phone-vanity-letters",
            "identifier/user-data-whole-object-path",
        ],
    ),
    (
        "genders are one of three letters",
        &["user_data/gender-x", "user_data/gender-unicode-hyphen"],
    ),
    ("a date of birth is YYYYMMDD", &["user_data/dob-dashes"]),
    (
        "places are brought to Pinterest's form",
        &[
            "user_data/city-punctuation",
            "user_data/state-full-name",
            "user_data/state-iso-3166-2",
            "user_data/country-alpha3",
            "user_data/all-fields",
        ],
    ),
    (
        "hashes are lower case, and blanks around them do not matter",
        &[
            "prehashed/email-mixed-case",
            "prehashed/email-trailing-newline",
            "prehashed/email-array-mixed",
            "prehashed/phone-upper",
            "prehashed/every-field-upper",
        ],
    ),
    (
        "hashes other than SHA-256 are not hashed again",
        &[
            "prehashed/email-65-chars",
            "prehashed/email-md5",
            "prehashed/email-sha1",
            "prehashed/email-sha512",
            "prehashed/phone-63-chars",
            "prehashed/sha1-maid-and-hash-in-click-id",
        ],
    ),
];

#[test]
fn pinterest_differs_from_segment_where_it_means_to() {
    let mut scratch = String::new();
    let mut differing = std::collections::BTreeSet::new();
    let cases = lines(include_str!("../data/pinterest_hashing.jsonl"));
    for case in cases.iter().filter(|case| case.get("out").is_some()) {
        let field: Field = serde_json::from_value(case["field"].clone()).unwrap();
        let entries = case["in"]
            .as_array()
            .unwrap()
            .iter()
            .zip(case["out"].as_array().unwrap());
        for (text, sent) in entries {
            let ours = hash(field, &PINTEREST, text.as_str().unwrap(), &mut scratch).ok();
            if ours.as_ref().map(|hash| hash.as_str()) != sent.as_str() {
                differing.insert(case["name"].as_str().unwrap());
            }
        }
    }
    let expected = DIFFERENT_ON_PURPOSE
        .iter()
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    assert_eq!(differing, expected);
}
