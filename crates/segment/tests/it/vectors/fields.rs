//! Reads field tables as Segment's own API writes them.

use bumpalo::Bump;
use serde_json::{Map, Value as Json};
use signalbox_segment::schema::{Choice, Field, FieldType};
use signalbox_segment::value::{Number, Value};

/// Reads a table of fields from JSON: an object of field definitions by key, in order.
///
/// # Errors
/// An unknown type, an empty list of choices.
pub(super) fn fields_from_json<'t>(json: &Json, arena: &'t Bump) -> Result<&'t [Field<'t>], String> {
    table(json, arena, "")
}

fn table<'t>(json: &Json, arena: &'t Bump, prefix: &str) -> Result<&'t [Field<'t>], String> {
    let Json::Object(fields) = json else {
        return Err(format!("{prefix}: should be an object of fields"));
    };
    let mut table = bumpalo::collections::Vec::with_capacity_in(fields.len(), arena);
    for (key, definition) in fields {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        let fail = |message: String| format!("{name}: {message}");
        let Json::Object(definition) = definition else {
            return Err(fail("should be an object".into()));
        };
        table.push(field(key, definition, arena, &name).map_err(|error| match error {
            Problem::Here(message) => fail(message),
            Problem::Below(error) => error,
        })?);
    }
    Ok(table.into_bump_slice())
}

enum Problem {
    Here(String),
    Below(String),
}

fn here<T>(message: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Here(message.into()))
}

fn field<'t>(key: &str, json: &Map<String, Json>, arena: &'t Bump, name: &str) -> Result<Field<'t>, Problem> {
    let text = |key: &str| json.get(key).and_then(Json::as_str);
    let flag = |key: &str| json.get(key).and_then(Json::as_bool).unwrap_or_default();
    let kind = match text("type") {
        // Kinds of text differ in how a form shows them.
        Some("string" | "text" | "password") => FieldType::String,
        Some("number") => FieldType::Number,
        Some("integer") => FieldType::Integer,
        Some("boolean") => FieldType::Boolean,
        Some("datetime") => FieldType::Datetime,
        Some("object") => FieldType::Object,
        other => return here(format!("has the unknown type {}", other.unwrap_or("(none)"))),
    };
    let properties = match json.get("properties") {
        Some(properties) => Some(table(properties, arena, name).map_err(Problem::Below)?),
        None => None,
    };
    // Segment knows no limits for these.
    let limit = |key: &str| {
        (text("type") == Some("string") || kind != FieldType::String)
            .then(|| json.get(key)?.as_f64())
            .flatten()
    };
    Ok(Field {
        key: arena.alloc_str(key),
        label: text("label").map(|label| &*arena.alloc_str(label)),
        description: arena.alloc_str(text("description").unwrap_or_default()),
        kind,
        multiple: flag("multiple"),
        required: flag("required"),
        allow_null: flag("allowNull"),
        choices: choices(json.get("choices"), arena)?,
        minimum: limit("minimum"),
        maximum: limit("maximum"),
        properties,
        default: json
            .get("default")
            .map(|default| &*arena.alloc_str(&default.to_string())),
        reads: None,
    })
}

fn choices<'t>(json: Option<&Json>, arena: &'t Bump) -> Result<&'t [Choice<'t>], Problem> {
    let Some(Json::Array(choices)) = json else {
        return Ok(&[]);
    };
    if choices.is_empty() {
        return here("has an empty list of choices");
    }
    let mut table = bumpalo::collections::Vec::with_capacity_in(choices.len(), arena);
    for choice in choices {
        let (json, label) = match choice {
            Json::Object(object) => (
                object.get("value").unwrap_or(&Json::Null),
                object.get("label").and_then(Json::as_str),
            ),
            plain => (plain, plain.as_str()),
        };
        table.push(Choice {
            value: value(json, arena),
            label: arena.alloc_str(label.unwrap_or_default()),
        });
    }
    Ok(table.into_bump_slice())
}

fn value<'t>(json: &Json, arena: &'t Bump) -> Value<'t> {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Number(Number::Source(arena.alloc_str(&number.to_string()))),
        Json::String(text) => Value::Str(arena.alloc_str(text)),
        Json::Array(items) => {
            Value::Array(arena.alloc_slice_fill_iter(items.iter().map(|item| value(item, arena))))
        }
        Json::Object(members) => Value::Object(
            arena.alloc_slice_fill_iter(
                members
                    .iter()
                    .map(|(key, member)| (&*arena.alloc_str(key), value(member, arena))),
            ),
        ),
    }
}

/// True for a table with a feature that no shipped table has: a format, conditions, members of any name.
pub(super) fn is_beyond(table: &Json) -> bool {
    table.as_object().into_iter().flatten().any(|(_, field)| {
        field["format"].is_string()
            || field["required"].is_object()
            || field["additionalProperties"] == true
            || is_beyond(&field["properties"])
    })
}
