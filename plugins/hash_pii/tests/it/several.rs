//! Several sets of rules: the payload holds the hashes of one, the facts those of all.

use serde_json::{Value, json};
use signalbox_core::{Flow, HashedPath, Sha256Hex, Side};
use signalbox_testkit::event_of;

use crate::{build, made, sha};

const RULES: &str = r#"rules = ["pinterest", "meta", "tiktok"]"#;

fn hash(text: &str) -> String {
    Sha256Hex::of(text).as_str().to_owned()
}

#[test]
fn the_payload_holds_the_first_rules_hash_and_the_facts_those_of_all() {
    let made = made(
        RULES,
        &json!({
            "userId": "U-1",
            "traits": { "phone": "+1 (206) 555-0100", "name": "Ivy O'Marsh", "address": { "state": "Nuevo León" } }
        }),
    );
    assert_eq!(
        made.payload,
        json!({
            "userId": sha("u-1"),
            "traits": {
                "phone": sha("12065550100"), "firstName": sha("ivy"), "lastName": sha("o'marsh"),
                "address": { "state": sha("nuevoleón") }
            }
        })
    );
    for (path, [pinterest, meta, tiktok]) in [
        ("traits.phone", ["12065550100", "12065550100", "+12065550100"]),
        ("traits.firstName", ["ivy"; 3]),
        ("traits.lastName", ["o'marsh", "omarsh", "omarsh"]),
        ("traits.address.state", ["nuevoleón"; 3]),
    ] {
        for (rules, text) in [("pinterest", pinterest), ("meta", meta), ("tiktok", tiktok)] {
            assert_eq!(made.list(path, rules), Some(vec![&*hash(text)]), "{path} {rules}");
        }
    }
    // One set of rules has two forms of an id: the lists run parallel, and one tells which hash the payload holds.
    let (lower, given) = (hash("u-1"), hash("U-1"));
    for (rules, hashes) in [
        ("pinterest", [&lower, &given]),
        ("meta", [&given, &given]),
        ("tiktok", [&given, &given]),
        (HashedPath::IN_PAYLOAD, [&lower, &lower]),
    ] {
        let list = made.list("userId", rules).unwrap();
        assert_eq!(list, hashes.map(String::as_str), "{rules}");
    }
    assert_eq!(made.warnings, []);
}

#[test]
fn lists_tell_the_kind_of_their_values() {
    let made = made(
        RULES,
        &json!({ "userId": "A@b.c", "traits": { "email": "A@b.c", "name": "Ivy" } }),
    );
    assert_eq!(made.payload["userId"], made.payload["traits"]["email"]);
    let kind = |path: &str| {
        let one = made.facts.iter().find(|one| *one.path == *path).unwrap();
        one.kind.as_deref()
    };
    assert_eq!(kind("userId"), Some("external_id"));
    assert_eq!(kind("traits.email"), Some("email"));
    assert_eq!(kind("traits.firstName"), Some("first_name"));
}

#[test]
fn the_order_of_the_rules_decides_about_the_payload() {
    let made = made(
        r#"rules = ["tiktok", "pinterest"]"#,
        &json!({ "traits": { "phone": "+1 206 555 0100" } }),
    );
    assert_eq!(made.payload["traits"]["phone"], sha("+12065550100"));
    assert_eq!(
        made.list("traits.phone", "pinterest"),
        Some(vec![&*hash("12065550100")])
    );
}

#[test]
fn a_value_that_some_rules_drop_is_hashed_by_the_others() {
    let payload =
        json!({ "traits": { "phone": "020 7946 0958", "gender": "non-binary", "email": "nobody" } });
    let first = made(r#"rules = ["tiktok", "meta"]"#, &payload);
    // TikTok wants numbers with their country; Meta has no third gender.
    assert_eq!(
        first.payload,
        json!({ "traits": { "phone": sha("2079460958"), "gender": sha("n") } })
    );
    assert_eq!(first.list("traits.phone", "tiktok"), Some(vec![""]));
    assert_eq!(
        first.list("traits.phone", "meta"),
        Some(vec![&*hash("2079460958")])
    );
    assert_eq!(first.list("traits.gender", "meta"), Some(vec![""]));
    let mut codes = first.codes();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            ("traits.email", "not_an_email"),
            ("traits.gender", "unknown_gender"),
            ("traits.phone", "national_number"),
            ("traits.phone", "no_country_code"),
        ]
    );
    let told = first
        .warnings
        .iter()
        .find(|warning| warning.code == "national_number")
        .unwrap();
    assert!(
        told.message.contains("the rules 'tiktok' have no hash of it"),
        "{}",
        told.message
    );
}

#[test]
fn hashes_that_arrived_are_no_facts_and_lists_stay_in_step() {
    let arrived = "AB".repeat(32);
    let made = made(
        RULES,
        &json!({
            "traits": { "email": ["Ivy@Example.com", arrived, "nobody", "Bo@Example.com"], "phone": arrived }
        }),
    );
    let kept = arrived.to_lowercase();
    assert_eq!(
        made.payload["traits"],
        json!({ "email": [sha("ivy@example.com"), kept, sha("bo@example.com")], "phone": kept })
    );
    for rules in ["pinterest", "meta", "tiktok"] {
        let both = ["ivy@example.com", "bo@example.com"].map(hash);
        assert_eq!(
            made.list("traits.email", rules),
            Some(both.iter().map(|hash| &**hash).collect())
        );
        assert_eq!(made.list("traits.phone", rules), None);
    }
    // One set of rules needs a list only where hashes arrived beside its own.
    let one = crate::made(
        "",
        &json!({ "traits": { "email": ["a@b.c", arrived] }, "userId": "u" }),
    );
    assert_eq!(one.list("traits.email", "pinterest"), Some(vec![&*hash("a@b.c")]));
    assert_eq!(one.list("userId", "pinterest"), Some(vec![]));
}

#[test]
fn values_that_come_later_go_behind_the_known_ones() {
    let mut event = event_of(&json!({ "traits": { "email": "a@b.c" } }));
    let transform = build(Side::Source, RULES).unwrap();
    assert_eq!(transform.apply(&mut event), Flow::Pass);
    event.set(
        &signalbox_core::Path::new("traits.email"),
        signalbox_core::Scalar::String("d@e.f"),
    );
    assert_eq!(transform.apply(&mut event), Flow::Pass);
    let both = [hash("a@b.c"), hash("d@e.f")];
    for entry in &event.facts().hashed {
        assert_eq!(
            entry
                .hashes
                .iter()
                .map(|hash| hash.to_string())
                .collect::<Vec<_>>(),
            both
        );
    }
    assert_eq!(event.facts().hashed.len(), 3);
}

#[test]
fn lists_are_bounded() {
    let emails: Vec<Value> = (0..100).map(|n| json!(format!("a{n}@b.c"))).collect();
    let payload = json!({ "traits": { "email": emails } });
    let several = made(RULES, &payload);
    let left = several.payload["traits"]["email"].as_array().unwrap();
    assert_eq!(left.iter().filter(|item| !item.is_null()).count(), 64);
    assert_eq!(several.codes(), [("traits.email", "too_many_values")]);
    // One set of rules keeps all of them, since the payload is the list.
    let one = made("", &payload);
    assert_eq!(one.payload["traits"]["email"].as_array().unwrap().len(), 100);
    assert_eq!(one.list("traits.email", "pinterest"), Some(vec![]));
}

#[test]
fn lists_of_names_are_bounded() {
    let people: Vec<Value> = (0..100)
        .map(|n| json!({ "name": format!("Ivy{n} Marsh") }))
        .collect();
    let several = made(RULES, &json!({ "context": { "traits": people } }));
    let people = several.payload["context"]["traits"].as_array().unwrap();
    let named = |key| people.iter().filter(|one| one.get(key).is_some()).count();
    assert_eq!(
        ["name", "firstName", "lastName"].map(named),
        [0, 64, 64],
        "a name goes even if its parts have no room"
    );
    for path in ["context.traits.firstName", "context.traits.lastName"] {
        assert_eq!(several.list(path, "meta").unwrap().len(), 64);
    }
    assert_eq!(several.codes(), [("context.traits.name", "too_many_values")]);
}

#[test]
fn phones_take_the_code_of_the_country_that_the_event_tells() {
    let traits = json!({ "phone": "020 7946 0958", "address": { "country": "Great Britain" } });
    for rules in ["pinterest", "meta"] {
        let made = made(&format!("rules = \"{rules}\""), &json!({ "traits": traits }));
        assert_eq!(made.payload["traits"]["phone"], sha("442079460958"), "{rules}");
        assert_eq!(made.warnings, []);
    }
    let settings = "rules = \"pinterest\"\ndefault_country = \"FR\"";
    let phone = json!({ "traits": { "phone": "06 12 34 56 78" } });
    assert_eq!(
        made(settings, &phone).payload["traits"]["phone"],
        sha("33612345678")
    );
    let unknown = made("rules = \"pinterest\"", &phone);
    assert_eq!(unknown.payload["traits"]["phone"], sha("612345678"));
    assert_eq!(unknown.codes(), [("traits.phone", "no_country_code")]);
}
