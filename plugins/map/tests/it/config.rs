//! Settings, good and bad.

use signalbox_testkit::transform_config;

use crate::{build, built, made};

fn errors(settings: &str) -> Vec<String> {
    let errors = build(settings).err().unwrap();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (settings, expected) in [
        ("", "fields: nothing would be mapped"),
        (
            "mode = \"replace\"\nremove = [\"a\"]",
            "fields: nothing would be mapped",
        ),
        ("fields = []", "fields: must be a table"),
        (
            "fields = { a = { \"@pat\" = \"$.x\" } }",
            "fields.a: has an invalid directive: @pat",
        ),
        (
            "fields = { \"a.b\" = { \"@case\" = { value = 1 } } }",
            "fields.\"a.b\".\"@case\".value: should be",
        ),
        (
            "fields = { a = 1, \"a.b\" = 2 }",
            "fields.\"a.b\": another key maps this member",
        ),
        (
            "fields = { messageId = \"m1\" }",
            "fields.messageId: would give every event the same id",
        ),
        (
            "fields = { type = \"purchase\" }",
            "fields.type: must be one of track, ",
        ),
        ("fields = { a = 1 }\ntrigger = 'type'", "trigger: "),
        (
            "remove = [\"a\", \"messageId\"]",
            "remove.1: names the event itself",
        ),
        ("remove = [\"$.\"]", "remove.0: is no path"),
        (
            "fields = { a = 1 }\nfields_file = \"x.json\"",
            "fields_file: holds the whole mapping",
        ),
        ("fields_file = \"/nowhere/x.json\"", "fields_file: cannot be read"),
    ] {
        let errors = errors(settings);
        assert!(errors[0].starts_with(expected), "{settings}: {errors:?}");
    }
    let both = errors("mode = \"replace\"\nremove = [\"a\"]");
    assert!(both[1].starts_with("remove: has no place beside"), "{both:?}");
    for (settings, wanted) in [
        ("mode = \"overwrite\"", "expected `merge` or `replace`"),
        ("unset = []", "unknown field `unset`"),
    ] {
        let error = transform_config("map", settings).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_mapping_can_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mapping.json");
    let settings = format!("fields_file = '{}'", file.display());
    std::fs::write(&file, r#"{ "properties": { "v": { "@path": "$.a" } } }"#).unwrap();
    assert_eq!(made(&settings, r#"{"a":1}"#).0, r#"{"a":1,"properties":{"v":1}}"#);
    std::fs::write(&file, r#"{ "a": { "@nope": 1 } }"#).unwrap();
    assert_eq!(
        errors(&settings),
        ["fields_file.a: has an invalid directive: @nope"]
    );
    std::fs::write(&file, "{").unwrap();
    assert_eq!(errors(&settings), ["fields_file: is not JSON (line 1, column 1)"]);
}

#[test]
fn doubts_are_told() {
    let warnings = |settings: &str| {
        let warnings = built(settings).unwrap().warnings;
        warnings
            .into_iter()
            .map(|warning| warning.path)
            .collect::<Vec<_>>()
    };
    assert!(warnings("fields = { a = { \"@path\" = \"$.b\" } }\ntrigger = 'type = \"track\"'").is_empty());
    assert_eq!(
        warnings("fields = { \"x.y\" = { \"@template\" = \"{{$.b}}\" } }\ntrigger = \"type = 'track'\""),
        ["trigger", "fields.\"x.y\".\"@template\""]
    );
    assert_eq!(
        warnings("remove = [\"context\", \"context.consent.x\", \"integrations\", \"context.ip\"]"),
        ["remove.0", "remove.1", "remove.2"]
    );
}
