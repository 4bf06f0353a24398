//! The kit with a small vendor: its table decides which fields the kit maps, writes and leaves out.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use signalbox_conversions::settings::{MappingConfig, Presets, declares, sink_mappings};
use signalbox_conversions::{Compat, Conversions, Encoder, Frames, reference};
use signalbox_core::{
    Event, Identifier, Outcome, Parameter, Prepared, Receipt, Record, Resend, Sha256Hex, Verdict,
};
use signalbox_http::{Bytes, Destination, HeaderMap, Reply, StatusCode, Url};
use signalbox_segment::settings::Findings;

use crate::acme::{Acme, SPEC, root};

/// The text by which the frame of page views is longer than that of events.
const PAGES: &str = r#""kind":"pages","#;

pub(crate) fn destination(mappings: Json) -> Result<Conversions<Acme>, Findings> {
    let mappings: Vec<MappingConfig> = serde_json::from_value(mappings).unwrap();
    let mut findings = Findings::default();
    let compiled = sink_mappings(&SPEC, &Presets::All, &mappings, Compat::Vendor, &mut findings);
    if !findings.errors.is_empty() {
        return Err(findings);
    }
    let acme = Acme {
        url: Url::parse("https://acme.example/events").unwrap(),
        frames: Frames::new(&root(false), "events", PAGES.len()),
    };
    Ok(Conversions::new(Encoder::new(acme, compiled).unwrap()))
}

fn record(destination: &Conversions<Acme>, more: &Json) -> Record {
    match destination.encode(&event(more)) {
        Prepared::Mapped(mut results) => results.remove(0).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// An order, with these members in the place of its own.
pub(crate) fn event(more: &Json) -> Event {
    let mut event = json!({
        "type": "track", "event": "Order Completed", "messageId": "m1", "timestamp": "2026-03-02T09:02:02Z",
        "context": { "os": { "name": "iOS" }, "traits": { "email": " Ivy@Example.com" } },
        "properties": { "total": 129.50, "coupon": "SPRING" },
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    let receipt = Receipt {
        source: "test".into(),
        received_at: 0,
    };
    Event::parse(&event.to_string(), receipt).unwrap()
}

fn body(record: &Record) -> Json {
    serde_json::from_slice(&record.bytes).unwrap()
}

pub(crate) fn reply(status: u16, body: &str) -> Reply {
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

#[test]
fn the_first_usable_source_counts() {
    let acme = destination(json!([])).unwrap();
    let hash = |text: &str| Sha256Hex::of(text).as_str().to_owned();
    for (email, code) in [
        (json!(null), None),
        (json!(""), Some("empty")),
        (json!(" \t"), Some("empty")),
        (json!("\u{a0}"), Some("empty")),
        (json!("\u{200b}"), Some("empty")),
        (json!([]), None),
        (json!([" ", null]), Some("empty")),
        (json!([""]), Some("empty")),
        (json!([null]), Some("empty")),
        (json!(false), Some("wrong_type")),
        (json!(0), Some("junk")),
        (json!("n/a"), Some("junk")),
        (json!("Guest"), Some("junk")),
        (json!("{{user.email}}"), Some("junk")),
        (json!(["n/a", ""]), Some("junk")),
        (json!(hash("")), Some("junk")),
        (json!(hash("NULL")), Some("junk")),
        (json!("ada"), Some("not_an_email")),
        (json!(42), Some("not_an_email")),
        (json!({ "work": "ada@example.com" }), Some("wrong_type")),
    ] {
        let record = record(&acme, &json!({ "properties": { "email": email } }));
        let sent = &body(&record)["user"]["email_sha256"];
        assert_eq!(*sent, json!([hash("ivy@example.com")]), "{email}");
        let told: Vec<_> = record
            .warnings
            .iter()
            .map(|warning| (&*warning.path, &*warning.code))
            .collect();
        let wanted: Vec<_> = code.into_iter().map(|code| ("user.email", code)).collect();
        assert_eq!(told, wanted, "{email}");
        let names = |message: &str| message.starts_with("passed over `properties.email`: ");
        assert!(
            record.warnings.iter().all(|warning| names(&warning.message)),
            "{email}"
        );
    }
    // Of a list, only the unusable values go; a sound first source is the only one.
    let record = record(
        &acme,
        &json!({ "properties": { "email": ["none", "Ada@Example.com"] } }),
    );
    assert_eq!(
        body(&record)["user"]["email_sha256"],
        json!([hash("ada@example.com")])
    );
    assert_eq!(record.warnings[0].path, "user.email[0]");
}

#[test]
fn a_mapped_field_has_one_source() {
    let acme = destination(json!([
        { "preset": "Purchase", "fields": { "user.email": { "@path": "$.properties.mail" } } }
    ]));
    let acme = acme.unwrap();
    let record = record(&acme, &json!({ "properties": { "mail": "n/a", "total": 1 } }));
    assert_eq!(body(&record)["user"]["email_sha256"], Json::Null);
    let told: Vec<_> = record
        .warnings
        .iter()
        .map(|warning| (&*warning.path, &*warning.code))
        .collect();
    assert_eq!(told, [("user.email", "junk")]);
}

#[test]
fn an_event_becomes_what_the_table_says() {
    let destination = destination(json!([])).unwrap();
    let purchase = record(&destination, &json!({}));
    let hash = Sha256Hex::of("ivy@example.com");
    let written =
        format!(r#"{{"name":"purchase","id":"m1","at":1772442122,"user":{{"email_sha256":["{hash}"]}},"#)
            + r#""details":{"value":"129.5","coupon":"SPRING","platform":"iOS"}}"#;
    assert_eq!(std::str::from_utf8(&purchase.bytes).unwrap(), written);
    assert_eq!(
        (&*purchase.mapping, purchase.dedup_key.as_deref()),
        ("Purchase", Some("purchase m1"))
    );
    assert_eq!(purchase.resend, Resend::Safe);
    assert_eq!(
        purchase.expires_at.map(NonZeroU32::get),
        Some(1_772_442_122 + 86_400)
    );

    let request = destination.request(&[Arc::new(purchase.clone()), Arc::new(purchase)]);
    let framing = destination.framing();
    assert_eq!(
        request.body.len() + PAGES.len(),
        framing.request + framing.separator + 2 * written.len(),
        "batches leave room for the longest frame"
    );
    assert_eq!(
        request.body.to_bytes(),
        format!(r#"{{"account":"7","events":[{written},{written}]}}"#)
    );
}

#[test]
fn a_value_that_does_not_fit_is_left_out_with_a_warning() {
    let destination = destination(json!([])).unwrap();
    let more = json!({ "properties": { "total": "much", "coupon": "far too long", "email": ["n/a", "x@y.example"] } });
    let record = record(&destination, &more);
    assert_eq!(body(&record)["details"], json!({ "platform": "iOS" }));
    let warnings: Vec<String> = record
        .warnings
        .iter()
        .map(|warning| format!("{} {}: {}", warning.code, warning.path, warning.message))
        .collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(
        warnings.contains(&"too_long details.coupon: left out: Acme takes at most 8 characters".to_owned())
    );
    assert!(
        warnings
            .iter()
            .any(|warning| warning.starts_with("junk user.email[0]: "))
    );
}

#[test]
fn a_mapped_field_is_not_derived() {
    let mapped = json!([{ "preset": "Purchase", "fields": { "details.platform": "web" }, "unset": ["details.coupon"] }]);
    let found = body(&record(&destination(mapped).unwrap(), &json!({})));
    assert_eq!(found["details"], json!({ "value": "129.5", "platform": "web" }));
}

#[test]
fn mistakes_in_settings_name_the_place_and_the_nearest_name() {
    let mistakes = json!([{ "preset": "Purchse" }, { "preset": "Page", "fields": { "details.cupon": "x" } }]);
    let found = destination(mistakes).unwrap_err().errors;
    let found: Vec<String> = found
        .iter()
        .map(|error| format!("{}: {}", error.path, error.help.clone().unwrap_or_default()))
        .collect();
    for expected in [
        "mappings.0.preset: did you mean \"Purchase\"?",
        "mappings.1.fields.\"details.cupon\": did you mean \"details.coupon\"?",
    ] {
        assert!(found.iter().any(|found| found == expected), "{found:?}");
    }
}

#[test]
fn page_views_have_no_key_and_requests_of_their_own() {
    let destination = destination(json!([])).unwrap();
    let page = record(&destination, &json!({ "type": "page" }));
    assert_eq!((&*page.mapping, page.batch_key), ("Page", 1));
    assert_eq!(
        (page.resend, page.dedup_key.as_ref()),
        (Resend::MayDuplicate, None)
    );
    let body = destination.request(&[Arc::new(page)]).body.to_bytes();
    assert!(body.starts_with(br#"{"account":"7","kind":"pages","events":[{"name":"page_view","#));
}

#[test]
fn presets_have_fields_of_their_own() {
    let custom = json!([{ "preset": "custom", "trigger": "event = \"Gift Wrapped\"" }]);
    let destination = destination(custom).unwrap();
    for (event, mapping, name, details) in [
        (
            "Product Added",
            "Cart",
            "cart",
            json!({ "value": "7", "platform": "iOS" }),
        ),
        (
            "Signed Up",
            "Sign Up",
            "sign_up",
            json!({ "coupon": "SPRING", "platform": "iOS" }),
        ),
        (
            "Gift Wrapped",
            "Custom",
            "Gift Wrapped",
            json!({ "value": "9", "coupon": "SPRING", "platform": "iOS" }),
        ),
    ] {
        let properties = json!({ "price": 7, "total": 9, "coupon": "SPRING" });
        let record = record(&destination, &json!({ "event": event, "properties": properties }));
        let body = body(&record);
        assert_eq!(
            (&*record.mapping, &body["name"], &body["details"]),
            (mapping, &json!(name), &details)
        );
    }
}

#[test]
fn presets_exist_for_the_rules_that_have_them() {
    let fields = |preset: &str, compat| SPEC.default_mapping(SPEC.preset(preset), compat);
    assert!(fields("Cart", Compat::Vendor).contains_key("user"));
    assert!(!fields("Cart", Compat::Segment).contains_key("user"));
    let compile = |presets: Json, mappings: Json, compat| {
        let mappings: Vec<MappingConfig> = serde_json::from_value(mappings).unwrap();
        let presets: Presets = serde_json::from_value(presets).unwrap();
        let mut findings = Findings::default();
        let names = sink_mappings(&SPEC, &presets, &mappings, compat, &mut findings)
            .iter()
            .map(|mapping| mapping.name.to_string())
            .collect::<Vec<_>>();
        (names, findings)
    };
    let all = |compat| compile(json!("all"), json!([]), compat).0;
    assert_eq!(all(Compat::Vendor), ["Purchase", "Page", "Cart", "Sign Up"]);
    assert_eq!(all(Compat::Segment), ["Purchase", "Page", "Cart"]);

    let mistakes =
        json!([{ "preset": "Sign Up" }, { "preset": "Custom" }, { "preset": "Cart", "unset": ["details"] }]);
    let found = compile(json!(["Sign Up", "Custom"]), mistakes, Compat::Segment).1;
    let paths: Vec<&str> = found.errors.iter().map(|error| error.path.as_str()).collect();
    let expected = [
        "presets.0",
        "presets.1",
        "mappings.0.preset",
        "mappings.1.trigger",
        "mappings.2.fields",
    ];
    assert_eq!(paths, expected, "{:?}", found.errors);
    let without_effect = json!([{ "preset": "Cart", "fields": { "user.email": "x@y.example" } }]);
    let found = compile(json!("all"), without_effect, Compat::Segment).1;
    assert!(
        found.errors.is_empty() && found.warnings[0].path == "mappings.0.fields.\"user.email\"",
        "{:?}",
        found.warnings
    );
}

#[test]
fn replies_are_the_vendors_to_read() {
    let destination = destination(json!([])).unwrap();
    let purchase = Arc::new(record(&destination, &json!({})));
    let records = [Arc::clone(&purchase), purchase];
    let Verdict::Settled(outcomes) = destination.interpret(&reply(200, r#"{"refused":[1]}"#), &records)
    else {
        panic!()
    };
    assert_eq!(outcomes[0], Outcome::delivered());
    assert!(matches!(&outcomes[1], Outcome::Rejected(reason) if reason.code() == "acme_refused"));

    // A property that is refused is stripped, one that must be sent is not.
    let verdict = destination.interpret(&reply(400, r#"{"unknown":"coupon"}"#), &records);
    assert!(matches!(verdict, Verdict::Reencode(reason) if reason.code() == "property_stripped"));
    assert!(!destination.notes().is_empty());
    let after = record(&destination, &json!({}));
    assert_eq!(
        body(&after)["details"],
        json!({ "value": "129.5", "platform": "iOS" })
    );
    for name in ["coupon", "id"] {
        let verdict = destination.interpret(
            &reply(400, &json!({ "unknown": name }).to_string()),
            &[Arc::new(after.clone())],
        );
        assert!(matches!(verdict, Verdict::Isolate(_)), "{name}");
    }
    assert!(destination.probe().is_none() && destination.interpret_probe(&reply(500, "")).is_ok());
}

#[test]
fn the_table_is_the_reference_and_the_declaration() {
    let text = reference(&SPEC);
    assert!(text.contains("| Purchase | track \"Order Completed\" | `purchase` |"));
    for row in [
        "| Cart | any call with the event \"Product Added\" | `cart` |",
        "| Sign Up | track \"Signed Up\", not with `compat = \"segment\"` | `sign_up` |",
        "| Custom | nothing by itself: its mapping needs a trigger | as mapped |",
        "| Cart | `details.value` | `properties.price` | the same |",
    ] {
        assert!(text.contains(row), "{text}");
    }
    let row = "| `user.email` | text, one or a list | first of `properties.email`, `context.traits.email` \
               | `properties.email` | E-mail addresses. |";
    assert!(text.contains(row), "{text}");
    assert!(text.contains("| `details.platform` | text | the name in `context.os` |  | Operating system. |"));
    let declares = declares(destination(json!([])).unwrap().encoder().vendor(), &[]);
    assert_eq!(declares.hashing_rules, Some("pinterest"));
    assert_eq!(declares.plain_fields, []);
    assert_eq!(SPEC.rules_of(Compat::Segment).name(), "segment");
}

#[test]
fn what_a_vendor_rates_follows_from_its_tables() {
    let acme = destination(json!([])).unwrap();
    for (event_name, expected) in [
        ("purchase", "value currency order_id contents event_id"),
        ("cart", "value currency contents event_id"),
        ("page_view", "event_id"),
        ("a_name_of_nobody", "event_id"),
    ] {
        let rated = acme.rated(event_name).unwrap();
        let email = rated.match_keys[0];
        assert_eq!((email.name, email.kind), ("email", Identifier::Email));
        let names = Parameter::ALL.into_iter().filter(|one| rated.expected.has(*one));
        assert_eq!(
            names.map(Parameter::name).collect::<Vec<_>>().join(" "),
            expected,
            "{event_name}"
        );
    }
}
