//! The JSON Schema of the whole file.

use serde_json::{Value as Json, json};

use crate::schema;

fn every<'j>(value: &'j Json, key: &str, found: &mut Vec<&'j Json>) {
    match value {
        Json::Object(object) => {
            found.extend(object.get(key));
            object.values().for_each(|inner| every(inner, key, found));
        }
        Json::Array(items) => items.iter().for_each(|inner| every(inner, key, found)),
        _ => {}
    }
}

fn sink(schema: &Json) -> &Json {
    let choices = schema
        .pointer("/properties/sinks/additionalProperties/oneOf")
        .and_then(Json::as_array);
    let named = |choice: &&Json| choice.pointer("/properties/type/const") == Some(&json!("probe_sink"));
    choices
        .and_then(|choices| choices.iter().find(named))
        .expect("the sink's schema")
}

#[test]
fn holds_every_table_and_plugin() {
    let schema = schema();
    let tables = schema
        .get("properties")
        .and_then(Json::as_object)
        .expect("tables");
    let names: Vec<&str> = tables.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "journal",
            "dead_letters",
            "history",
            "admin",
            "alerts",
            "telemetry",
            "shutdown",
            "sources",
            "transforms",
            "sinks"
        ]
    );
    let sink = sink(&schema);
    assert_eq!(
        sink.pointer("/required"),
        Some(&json!(["type", "inputs", "account"]))
    );
    assert_eq!(sink.pointer("/additionalProperties"), Some(&json!(false)));
    // The plugin's own and the runtime's keys, each with its words.
    for (key, words) in [
        ("account", "The account events"),
        ("timeout", "The time for one"),
        ("type", "Delivers nowhere"),
    ] {
        let text = sink
            .pointer(&format!("/properties/{key}/description"))
            .and_then(Json::as_str)
            .unwrap_or_default();
        assert!(text.contains(words), "{key}: {text}");
    }
    for (kind, count) in [("sources", 1), ("transforms", 1), ("sinks", 1)] {
        let choices = schema.pointer(&format!("/properties/{kind}/additionalProperties/oneOf"));
        assert!(
            choices.and_then(Json::as_array).map_or(0, Vec::len) >= count,
            "{kind}"
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let schema = schema();
    let mut references = Vec::new();
    every(&schema, "$ref", &mut references);
    assert!(!references.is_empty());
    for reference in references.into_iter().filter_map(Json::as_str) {
        let pointer = reference.strip_prefix('#').expect("a reference within the file");
        assert!(schema.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_setting_of_the_runtime_is_described() {
    let schema = schema();
    for table in [
        "journal",
        "dead_letters",
        "history",
        "admin",
        "alerts",
        "telemetry",
        "shutdown",
    ] {
        let keys = schema
            .pointer(&format!("/properties/{table}/properties"))
            .and_then(Json::as_object);
        for (key, setting) in keys.expect("settings") {
            assert!(setting.get("description").is_some(), "{table}.{key}");
        }
    }
    let mut formats = Vec::new();
    every(&schema, "format", &mut formats);
    assert!(
        !formats.contains(&&json!("duration")),
        "\"500ms\" is no duration of ISO 8601"
    );
}
