//! Settings that fit, and settings that do not.

use serde_json::{Value, json};
use signalbox_core::{BuildErrors, PluginKind, plugins};

use crate::rig::{try_sink, try_source};

fn paths(errors: BuildErrors) -> Vec<String> {
    errors.into_iter().map(|error| error.path).collect()
}

#[test]
fn what_does_not_fit_is_told_at_its_place() {
    let source = |settings: Value| paths(try_source(settings).err().unwrap_or_default());
    let good = json!({ "servers": ["nats://n1:4222"], "stream": "EVENTS" });
    assert_eq!(source(good.clone()), Vec::<String>::new());
    for (key, value, path) in [
        ("servers", json!([]), "servers"),
        ("servers", json!(["http://n1"]), "servers.0"),
        ("stream", json!(""), "stream"),
        ("stream", json!("a.b"), "stream"),
        ("consumer", json!("a b"), "consumer"),
        ("consumer", json!(""), "consumer"),
        ("subjects", json!(["events.>", "events.>.x"]), "subjects.1"),
        ("user", json!("ann"), "user"),
    ] {
        let mut settings = good.clone();
        settings[key] = value;
        assert_eq!(source(settings), [path]);
    }
    let sink = |settings: Value| paths(try_sink(settings).err().unwrap_or_default());
    assert_eq!(
        sink(json!({ "servers": ["nats://n1"], "subject": "events.{source}" })),
        Vec::<String>::new()
    );
    assert_eq!(
        sink(json!({ "servers": ["n1"], "subject": "events.{user}" })),
        ["servers.0", "subject"]
    );
}

#[test]
fn doubts_are_warnings() {
    let settings = json!({ "servers": ["nats://n1"], "token": "correct-horse", "subject": "events" });
    let built = try_sink(settings).unwrap();
    assert_eq!(paths(built.warnings), ["token"]);
    let settings = json!({ "servers": ["nats://n1"], "token": "correct-horse", "stream": "EVENTS" });
    let built = try_source(settings).unwrap();
    assert_eq!(paths(built.warnings), ["token"]);
}

/// The page tells every setting, and says the same default as the schema's text.
#[test]
fn the_page_tells_every_setting() {
    let page = include_str!("../../README.md");
    let row = |key: &str| {
        page.lines()
            .any(|line| line.starts_with('|') && line.contains(&format!("`{key}`")))
    };
    let mut kinds = Vec::new();
    for plugin in plugins().into_iter().filter(|plugin| plugin.name == "nats") {
        kinds.push(plugin.kind);
        let schema = (plugin.schema)().to_value();
        for key in schema["properties"].as_object().unwrap().keys() {
            assert!(row(key), "{key} has no row in the README");
        }
    }
    assert_eq!(kinds, [PluginKind::Source, PluginKind::Sink]);
}

/// The examples of the page are read as a pipeline file is, without the runtime's keys.
#[test]
fn the_examples_of_the_page_can_be_built() {
    let page = include_str!("../../README.md");
    let blocks: Vec<&str> = page
        .split("```")
        .filter_map(|block| block.strip_prefix("toml\n"))
        .collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let block = block.replace("credentials = \"${file:/run/secrets/nats.creds}\"\n", "");
        let file: toml::Table = toml::from_str(&block).unwrap();
        for (kind, components) in file {
            for (_, table) in components.as_table().unwrap() {
                let mut settings = serde_json::to_value(table).unwrap();
                for key in ["inputs", "through"] {
                    settings.as_object_mut().unwrap().remove(key);
                }
                match kind.as_str() {
                    "sources" => assert!(try_source(settings).unwrap().warnings.is_empty()),
                    _ => assert!(try_sink(settings).unwrap().warnings.is_empty()),
                }
            }
        }
    }
}
