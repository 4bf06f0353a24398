//! JSON Schemas: of one component with the runtime's keys in it, and of the whole file.

use schemars::JsonSchema;
use serde_json::{Map, Value as Json, json};
use signalbox_core::{PluginInfo, PluginKind};

use super::settings::{
    AdminSettings, AlertSettings, DeadLetterSettings, HistorySettings, JournalSettings, ShutdownSettings,
    SinkRuntime, SourceRuntime, Table, TelemetrySettings,
};

/// Returns the name of the table for components of a kind.
pub(crate) fn table_of(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Source => "sources",
        PluginKind::Transform => "transforms",
        PluginKind::Sink => "sinks",
    }
}

/// Returns names and schemas of the runtime's own tables.
pub(crate) fn sections() -> [(&'static str, Json); 7] {
    fn named<T: Table>() -> (&'static str, Json) {
        (T::NAME, of::<T>())
    }
    [
        named::<JournalSettings>(),
        named::<DeadLetterSettings>(),
        named::<HistorySettings>(),
        named::<AdminSettings>(),
        named::<AlertSettings>(),
        named::<TelemetrySettings>(),
        named::<ShutdownSettings>(),
    ]
}

/// Returns the schema of the runtime's keys in a component of this kind; transforms have none.
pub(crate) fn runtime_keys(kind: PluginKind) -> Option<Json> {
    match kind {
        PluginKind::Source => Some(of::<SourceRuntime>()),
        PluginKind::Transform => None,
        PluginKind::Sink => Some(of::<SinkRuntime>()),
    }
}
/// Builds the schema of a component's table: `type`, the runtime's keys, then the plugin's settings. Its `$defs` are within.
pub(crate) fn component(plugin: &PluginInfo) -> Json {
    let mut merged = (plugin.schema)().to_value();
    let mut runtime = runtime_keys(plugin.kind).unwrap_or_else(|| json!({}));
    // Both sides may have a definition of the same name.
    prefix_references(&mut runtime, "runtime.");
    let Some(object) = merged.as_object_mut() else {
        return merged;
    };
    object.remove("$schema");
    object.remove("title");
    object.entry("type").or_insert_with(|| json!("object"));

    let mut properties = Map::new();
    properties.insert(
        "type".into(),
        json!({ "const": plugin.name, "description": format!("Selects this {}: {}", plugin.kind.name(), plugin.summary) }),
    );
    let mut required = vec![json!("type")];
    for part in [&runtime, &Json::Object(object.clone())] {
        let of = |key: &str| part.get(key).cloned().unwrap_or(Json::Null);
        if let Json::Object(known) = of("properties") {
            for (key, schema) in known {
                // The plugin never sees the runtime's keys, so the runtime's schema is the right one.
                properties.entry(key).or_insert(schema);
            }
        }
        if let Json::Array(keys) = of("required") {
            required.extend(keys.into_iter().filter(|key| key != "type"));
        }
    }
    object.insert("properties".into(), Json::Object(properties));
    object.insert("required".into(), Json::Array(required));
    if let Some(Json::Object(definitions)) = runtime.get_mut("$defs").map(Json::take) {
        let all = object.entry("$defs").or_insert_with(|| json!({}));
        if let Some(all) = all.as_object_mut() {
            all.extend(definitions);
        }
    }
    merged
}

/// Builds the JSON Schema (draft 2020-12) of the whole configuration file, with every linked plugin in it. `signalbox
/// schema` prints it for editors.
#[must_use]
pub fn schema() -> Json {
    let mut definitions = Map::new();
    let mut properties = Map::new();
    for (name, mut section) in sections() {
        lift(&mut section, &format!("{name}."), &mut definitions);
        properties.insert(name.into(), section);
    }
    let plugins = signalbox_core::plugins();
    for kind in [PluginKind::Source, PluginKind::Transform, PluginKind::Sink] {
        let mut choices = Vec::new();
        for plugin in plugins.iter().filter(|plugin| plugin.kind == kind) {
            let mut choice = component(plugin);
            lift(
                &mut choice,
                &format!("{}.{}.", kind.name(), plugin.name),
                &mut definitions,
            );
            choices.push(choice);
        }
        let each = if choices.is_empty() {
            json!(false)
        } else {
            json!({ "oneOf": choices })
        };
        properties.insert(
            table_of(kind).into(),
            json!({
                "type": "object",
                "description": format!("The {}s of the pipeline, each under a name of its own.", kind.name()),
                "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$" },
                "additionalProperties": each,
            }),
        );
    }
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Signalbox pipeline",
        "description": "The configuration file of Signalbox.",
        "type": "object",
        "properties": properties,
        "required": ["sources", "sinks"],
        "additionalProperties": false,
        "$defs": definitions,
    });
    forget_duration_format(&mut whole);
    whole
}

/// Returns the schema of a struct of settings.
pub(crate) fn of<T: JsonSchema>() -> Json {
    let mut schema = schemars::schema_for!(T).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
        object.remove("title");
    }
    schema
}

/// Moves the `$defs` of `schema` to `definitions`, with `prefix` before their names.
fn lift(schema: &mut Json, prefix: &str, definitions: &mut Map<String, Json>) {
    prefix_references(schema, prefix);
    if let Some(Json::Object(own)) = schema.as_object_mut().and_then(|object| object.remove("$defs")) {
        definitions.extend(own);
    }
}

/// Gives every definition of `schema`, and every reference to one, the prefix.
fn prefix_references(schema: &mut Json, prefix: &str) {
    each_object(schema, &mut |object| {
        if let Some(Json::String(reference)) = object.get_mut("$ref")
            && let Some(name) = reference.strip_prefix("#/$defs/")
        {
            *reference = format!("#/$defs/{prefix}{name}");
        }
        if let Some(Json::Object(definitions)) = object.get_mut("$defs") {
            let all = std::mem::take(definitions);
            definitions.extend(
                all.into_iter()
                    .map(|(name, schema)| (format!("{prefix}{name}"), schema)),
            );
        }
    });
}

/// Removes the format `duration`: JSON Schema means durations of ISO 8601, so an editor would underline `"500ms"`.
fn forget_duration_format(schema: &mut Json) {
    each_object(schema, &mut |object| {
        if object.get("format").and_then(Json::as_str) == Some("duration") {
            object.remove("format");
        }
    });
}

fn each_object(value: &mut Json, change: &mut impl FnMut(&mut Map<String, Json>)) {
    match value {
        Json::Object(object) => {
            change(object);
            object.values_mut().for_each(|inner| each_object(inner, change));
        }
        Json::Array(items) => items.iter_mut().for_each(|item| each_object(item, change)),
        _ => {}
    }
}
