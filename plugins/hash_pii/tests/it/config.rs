//! Settings, good and bad.

use serde_json::json;
use signalbox_core::Side;
use signalbox_testkit::transform_config;

use crate::{build, made, sha};

#[test]
fn paths_add_to_the_defaults_or_replace_them() {
    let payload = json!({
        "userId": "u1",
        "traits": { "email": "Ada@Example.com" },
        "properties": { "who": "Bo@Example.com", "to": { "city": "Rome", "note": "x" } }
    });
    let paths = r#"paths = { "properties.who" = "email", "$.properties.to" = "address" }"#;
    let more = made(paths, &payload);
    assert_eq!(
        more.payload,
        json!({
            "userId": sha("u1"),
            "traits": { "email": sha("ada@example.com") },
            "properties": { "who": sha("bo@example.com"), "to": { "city": sha("rome"), "note": "x" } }
        })
    );
    let only = made(&format!("defaults = false\n{paths}"), &payload);
    assert_eq!(only.payload["userId"], "u1");
    assert_eq!(only.payload["properties"], more.payload["properties"]);
    assert_eq!(only.hashed, ["properties.to.city", "properties.who"]);
}

#[test]
fn a_listed_path_can_change_what_a_default_path_is() {
    let settings = r#"paths = { "traits.phone" = "external_id", "traits.name" = "name" }"#;
    let made = made(
        settings,
        &json!({ "type": "group", "traits": { "phone": "A-1", "name": "Ivy Marsh", "city": "Rome" } }),
    );
    assert_eq!(
        made.payload["traits"],
        json!({ "phone": sha("a-1"), "firstName": sha("ivy"), "lastName": sha("marsh"), "city": "Rome" })
    );
}

#[test]
fn kept_paths_stay() {
    let made = made(
        r#"keep = ["traits.address", "properties.address.country", "userId"]"#,
        &json!({
            "userId": "u1",
            "traits": { "address": { "city": "Rome" }, "email": "a@b.c" },
            "properties": { "address": { "city": "Rome", "country": "Italy" } }
        }),
    );
    assert_eq!(
        made.payload,
        json!({
            "userId": "u1",
            "traits": { "address": { "city": "Rome" }, "email": sha("a@b.c") },
            "properties": { "address": { "city": sha("rome"), "country": "Italy" } }
        })
    );
}

#[test]
fn parts_of_a_listed_address_can_stay() {
    let paths = r#"paths = { "$.properties.to" = "address", "properties.to.zip" = "zip" }"#;
    let made = made(
        &format!("{paths}\nkeep = [\"properties.to.city\"]"),
        &json!({ "properties": { "to": { "city": "Rome", "zip": "00118", "street": "Via Appia 1" } } }),
    );
    assert_eq!(
        made.payload["properties"]["to"],
        json!({ "city": "Rome", "zip": sha("00118"), "street": sha("viaappia1") })
    );
    // The address itself and a path that the settings name are there to be hashed.
    for path in [
        "properties.to",
        "properties.to.zip",
        "properties",
        "properties.to.note",
    ] {
        let settings = format!("defaults = false\n{paths}\nkeep = [\"{path}\"]");
        let errors = build(Side::Sink, &settings).err().unwrap();
        assert_eq!((errors.len(), &*errors[0].path), (1, "keep.0"), "{path}");
    }
}

#[test]
fn settings_that_do_not_fit_are_told() {
    for (settings, path) in [
        ("defaults = false", "paths"),
        (r#"keep = ["userId", "context.ip"]"#, "keep.1"),
        (r#"paths = { "messageId" = "external_id" }"#, "paths.messageId"),
        (r#"paths = { "$.type" = "email" }"#, "paths.$.type"),
        (r#"paths = { "" = "email" }"#, "paths."),
        ("rules = []", "rules"),
        (r#"rules = ["meta", "pinterest", "meta"]"#, "rules.2"),
    ] {
        let errors = build(Side::Sink, settings).err().unwrap();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].path, path);
    }
    for (settings, wanted) in [
        (
            "rules = \"snap\"",
            "expected one of `pinterest`, `segment`, `meta`, `tiktok`",
        ),
        (
            r#"rules = ["meta", "segment-meta"]"#,
            "unknown variant `segment-meta`",
        ),
        ("rules = 3", "the name of a set of rules or a list of names"),
        (r#"paths = { "a" = "mail" }"#, "unknown variant `mail`"),
        ("fields = []", "unknown field `fields`"),
    ] {
        let error = transform_config("hash_pii", settings).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
