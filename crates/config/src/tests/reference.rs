//! The tables of docs/configuration.md are generated from the comments of the settings: `UPDATE_DOCS=1` writes them anew.

use std::fmt::Write;

use serde_json::{Map, Value as Json};
use signalbox_core::PluginKind;

use crate::schema::{runtime_keys, sections};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");

/// The rows of one table: key, meaning, default.
fn table(schema: &Json) -> String {
    let mut text = "| key | meaning | default |\n|---|---|---|\n".to_owned();
    rows(schema, schema, "", &mut text);
    text
}

fn rows(schema: &Json, whole: &Json, prefix: &str, text: &mut String) {
    let empty = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Json::as_object)
        .unwrap_or(&empty);
    for (key, property) in properties {
        let inner = |schema: &Json| -> Option<&Json> {
            let reference = schema.get("$ref").and_then(Json::as_str)?;
            let inner = whole.pointer(reference.strip_prefix('#')?)?;
            inner.get("properties").is_some().then_some(inner)
        };
        if let Some(inner) = inner(property) {
            rows(inner, whole, &format!("{prefix}{key}."), text);
            continue;
        }
        let (meaning, default) = columns(property);
        writeln!(text, "| `{prefix}{key}` | {meaning} | {default} |").unwrap();
        // A table that may be absent, and a list of tables.
        let optional = property.get("anyOf").and_then(|any| inner(any.get(0)?));
        if let Some(inner) = optional {
            rows(inner, whole, &format!("{prefix}{key}."), text);
        }
        if let Some(inner) = property.get("items").and_then(inner) {
            rows(inner, whole, &format!("{prefix}{key}[]."), text);
        }
    }
}

/// Splits a comment into the meaning and the default.
fn columns(property: &Json) -> (String, String) {
    let comment = property
        .get("description")
        .and_then(Json::as_str)
        .expect("a comment");
    let comment = comment.replace('\n', " ");
    if let Some(meaning) = comment.strip_suffix(" Required.") {
        return (meaning.to_owned(), "required".to_owned());
    }
    let (meaning, default) = comment.split_once(" Default: ").expect("a default");
    (meaning.to_owned(), default.trim_end_matches('.').to_owned())
}

#[test]
fn the_documentation_holds_every_setting() {
    let tables = sections()
        .into_iter()
        .map(|(name, schema)| (name, table(&schema)));
    let keys = |kind| table(&runtime_keys(kind).expect("keys"));
    let components = [
        ("sources", keys(PluginKind::Source)),
        ("sinks", keys(PluginKind::Sink)),
    ];
    let found = std::fs::read_to_string(FILE).expect("the page");
    let mut wanted = found.clone();
    for (name, table) in tables.chain(components) {
        let begin = format!("<!-- generated: {name} -->\n");
        let end = "<!-- end -->";
        let (before, rest) = wanted.split_once(&begin).expect("the begin of a table");
        let (_, after) = rest.split_once(end).expect("the end of a table");
        wanted = format!("{before}{begin}{table}{end}{after}");
    }
    if found != wanted && std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, wanted).expect("the page");
    } else {
        assert!(
            found == wanted,
            "the tables are out of date; run the tests once with UPDATE_DOCS=1"
        );
    }
}
