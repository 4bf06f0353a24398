//! Values of every kind at listed paths.

use serde_json::json;

use crate::{PLACES, build, made, sha};

#[test]
fn everything_personal_is_hashed_where_it_stands() {
    let made = made(
        "",
        &json!({
            "type": "identify", "messageId": "m1", "userId": " U-1 ", "previousId": "u0", "anonymousId": "anon",
            "traits": {
                "email": "Ada@Example.com", "phone": "+1 (206) 555-0100", "name": "Ivy Jane Marsh", "gender": "Female",
                "birthday": "1990-01-15", "company": { "name": "Acme" }, "city": "Rome",
                "address": { "city": "St. Louis", "state": "California", "postalCode": "94103-1234", "country": "USA", "street": "1 Main St", "unit": "7" }
            },
            "context": {
                "ip": "203.0.113.7", "userAgent": "UA", "device": { "advertisingId": "AAAA-1", "id": "d" },
                "traits": { "first_name": "Ivy", "last_name": "Marsh", "date_of_birth": "15 Jan 1990" }
            },
            "properties": { "name": "Boston Fern", "email": "bo@example.com", "state": "completed", "address": { "zip": "10115" } }
        }),
    );
    assert_eq!(
        made.payload,
        json!({
            "type": "identify", "messageId": "m1", "userId": sha("u-1"), "previousId": sha("u0"), "anonymousId": "anon",
            "traits": {
                "email": sha("ada@example.com"), "phone": sha("12065550100"), "gender": sha("f"), "birthday": sha("19900115"),
                "company": { "name": "Acme" }, "city": sha("rome"),
                "address": { "city": sha("stlouis"), "state": sha("ca"), "postalCode": sha("94103"), "country": sha("us"), "street": sha("1mainst"), "unit": "7" },
                "firstName": sha("ivy"), "lastName": sha("marsh")
            },
            "context": {
                "ip": "203.0.113.7", "userAgent": "UA", "device": { "advertisingId": sha("aaaa-1"), "id": "d" },
                "traits": { "first_name": sha("ivy"), "last_name": sha("marsh"), "date_of_birth": sha("19900115") }
            },
            "properties": { "name": "Boston Fern", "email": sha("bo@example.com"), "state": "completed", "address": { "zip": sha("10115") } }
        })
    );
    assert_eq!(made.warnings, []);
    for path in [
        "userId",
        "traits.firstName",
        "traits.address.street",
        "context.device.advertisingId",
    ] {
        assert!(made.hashed.iter().any(|hashed| hashed == path), "{path}");
    }
    assert!(
        !made
            .hashed
            .iter()
            .any(|path| path == "traits.name" || path == "traits.address")
    );
}

#[test]
fn of_a_groups_traits_only_the_contact() {
    let traits = json!({ "email": "info@acme.test", "phone": 5550100, "name": "Acme", "address": { "city": "Rome" }, "city": "Rome" });
    let made = made(
        "",
        &json!({ "type": "group", "traits": traits, "context": { "traits": { "name": "Ivy" } } }),
    );
    assert_eq!(
        made.payload,
        json!({
            "type": "group",
            "traits": { "email": sha("info@acme.test"), "phone": sha("5550100"), "name": "Acme", "address": { "city": "Rome" }, "city": "Rome" },
            "context": { "traits": { "firstName": sha("ivy") } }
        })
    );
}

#[test]
fn a_name_fills_in_what_its_parts_do_not_say() {
    for (given, expected) in [
        (
            json!({ "name": "Ivy Marsh", "firstName": "Eve" }),
            json!({ "firstName": sha("eve"), "lastName": sha("marsh") }),
        ),
        (
            json!({ "name": "Ivy Marsh", "last_name": "Lee", "firstName": "" }),
            json!({ "last_name": sha("lee"), "firstName": sha("ivy") }),
        ),
        (
            json!({ "name": "Ivy Marsh", "firstName": "n/a" }),
            json!({ "firstName": sha("ivy"), "lastName": sha("marsh") }),
        ),
        (
            json!({ "name": "Marsh, Ivy" }),
            json!({ "firstName": sha("ivy"), "lastName": sha("marsh") }),
        ),
        (json!({ "name": "Ivy" }), json!({ "firstName": sha("ivy") })),
        (json!({ "name": " " }), json!({ "name": " " })),
        (json!({ "name": null }), json!({ "name": null })),
        (
            json!({ "name": "AB".repeat(32) }),
            json!({ "name": "ab".repeat(32) }),
        ),
        (json!({ "name": 7 }), json!({ "firstName": sha("7") })),
    ] {
        let made = made("", &json!({ "traits": given }));
        assert_eq!(made.payload, json!({ "traits": expected }), "{given}");
    }
    let made = made(
        "",
        &json!({ "traits": { "name": ["Ivy Marsh"] }, "context": { "traits": { "name": "Dr. ," } } }),
    );
    assert_eq!(made.payload, json!({ "traits": {}, "context": { "traits": {} } }));
    assert_eq!(made.codes().len(), 2, "{:?}", made.codes());
}

#[test]
fn arrays_keep_their_place_and_lose_what_is_no_identity() {
    let made = made(
        "",
        &json!({
            "traits": {
                "email": ["Ada@Example.com", "nobody", null, 5, "", { "at": "Bo@Example.com" }, ["cy@example.com"], "bo@example.com"],
                "phone": ["none", "n/a"],
                "address": [{ "city": "Rome" }, "1 Main St", { "city": { "name": "Rome" } }]
            }
        }),
    );
    assert_eq!(
        made.payload,
        json!({
            "traits": {
                "email": [sha("ada@example.com"), null, "", [sha("cy@example.com")], sha("bo@example.com")],
                "address": [{ "city": sha("rome") }, sha("1mainst"), {}]
            }
        })
    );
    assert_eq!(
        made.codes(),
        [
            ("traits.email", "not_an_email"),
            ("traits.email", "unexpected_kind"),
            ("traits.phone", "no_digits"),
            ("traits.address.city", "unexpected_kind"),
        ]
    );
}

#[test]
fn a_very_long_array_of_junk_holds_nothing_readable() {
    let mut emails = vec![json!("junkvalue"); 50_000];
    emails.insert(20_000, json!("a@b.c"));
    let made = made("", &json!({ "traits": { "email": emails } }));
    let left = made.payload["traits"]["email"].as_array().unwrap();
    assert!(left.iter().all(|item| item.is_null() || *item == sha("a@b.c")));
    assert!(left.contains(&sha("a@b.c")));
    assert_eq!(made.codes(), [("traits.email", "not_an_email")]);
}

#[test]
fn junk_goes_with_a_warning_that_does_not_quote_it() {
    let made = made(
        "",
        &json!({
            "userId": "n/a", "context": { "device": { "advertisingId": "00000000-0000-0000-0000-000000000000" } },
            "traits": { "email": "adaatexample", "phone": true, "gender": "unsure", "birthday": "01/02/1990", "address": false },
            "properties": { "email": { "primary": "ada@example.com" } }
        }),
    );
    assert_eq!(
        made.payload,
        json!({ "context": { "device": {} }, "traits": {}, "properties": {} })
    );
    let mut codes = made.codes();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            ("context.device.advertisingId", "junk"),
            ("properties.email", "unexpected_kind"),
            ("traits.address", "junk"),
            ("traits.birthday", "ambiguous_date"),
            ("traits.email", "not_an_email"),
            ("traits.gender", "unknown_gender"),
            ("traits.phone", "no_digits"),
            ("userId", "junk"),
        ]
    );
    for warning in &made.warnings {
        assert!(!format!("{warning:?}").contains("adaatexample"), "{warning:?}");
    }
    assert!(made.hashed.is_empty());
}

#[test]
fn segment_rules_keep_what_segment_keeps() {
    let upper = "AB".repeat(32);
    let made = made(
        "rules = \"segment\"",
        &json!({
            "userId": "n/a",
            "traits": { "email": upper, "phone": ["0044 20", "none"], "gender": "Unsure", "birthday": "1990-01-15", "city": " " },
            "context": { "traits": { "phone": "none", "email": false } }
        }),
    );
    assert_eq!(
        made.payload,
        json!({
            "userId": sha("n/a"),
            "traits": { "email": upper, "phone": [sha("004420")], "gender": sha("unsure"), "birthday": sha("1990-01-15"), "city": " " },
            "context": { "traits": { "email": sha("false") } }
        })
    );
    assert_eq!(
        made.codes(),
        [
            ("traits.phone", "no_digits"),
            ("context.traits.phone", "no_digits")
        ]
    );
    // A hash that arrived passes for every sink, so no fact names it.
    assert!(!made.hashed.iter().any(|path| path == "traits.email"));
}

#[test]
fn an_event_without_personal_data_is_written_as_it_came() {
    let text = r#"{"type" : "track","properties":{"price":1.50,"name":"A\u00e9"},"userId":null}"#;
    for place in PLACES {
        let receipt = signalbox_core::Receipt {
            source: "site".into(),
            received_at: 0,
        };
        let mut event = signalbox_core::Event::parse(text, receipt).unwrap();
        assert_eq!(
            build(place, "").unwrap().apply(&mut event),
            signalbox_core::Flow::Pass
        );
        assert_eq!(event.to_json(), text);
        assert_eq!(*event.facts(), signalbox_core::Facts::default());
    }
}
