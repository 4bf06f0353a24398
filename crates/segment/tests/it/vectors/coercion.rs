use super::compare::expect_same;
use super::fields::{fields_from_json, is_beyond};
use bumpalo::Bump;
use serde_json::{Value as Json, json};
use signalbox_segment::schema::{FieldError, Leniency, Schema};
use signalbox_segment::value::parse_json;

#[test]
fn coercion_vectors() {
    super::run("coercion", "coercion_vectors.jsonl", is_shipped, check);
}

/// False for cases of features that no shipped schema uses: batches as one payload, and those of [`is_beyond`].
fn is_shipped(case: &Json) -> bool {
    case["mode"] != "batch" && !is_beyond(&without_undefined(&case["fields"]))
}

/// `{"__undefined__":true}` stands for a key that is absent.
fn without_undefined(json: &Json) -> Json {
    match json {
        Json::Object(members) => members
            .iter()
            .filter(|(_, member)| member.get("__undefined__").is_none())
            .map(|(key, member)| (key.clone(), without_undefined(member)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Json::Array(items) => items.iter().map(without_undefined).collect(),
        other => other.clone(),
    }
}

fn text_of(errors: &[FieldError]) -> String {
    errors
        .iter()
        .map(|error| error.message.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

fn check(case: &Json) -> Result<(), String> {
    let arena = Bump::new();
    let table = without_undefined(&case["fields"]);
    let fields = match fields_from_json(&table, &arena).and_then(Schema::new) {
        Ok(schema) => schema,
        // Segment's texts for unusable tables are its schema compiler's.
        Err(_) if case["error"].is_string() && case["error_paths"].is_null() => return Ok(()),
        Err(error) => return Err(format!("schema refused: {error}")),
    };
    let input = parse_json(&case["input"].to_string(), &arena).ok_or("input is not JSON")?;
    let coerced = fields.coerce(input, &arena, Leniency::Segment);
    if coerced.errors.is_empty() {
        return match case.get("expected") {
            Some(expected) => expect_same(expected, &coerced.value.to_json()),
            None => Err(format!("expected the error {}", case["error"])),
        };
    }
    if case["error"].is_null() {
        return Err(format!("failed: {}", text_of(&coerced.errors)));
    }
    if !super::texts_count() {
        return Ok(());
    }
    let paths: Vec<_> = coerced
        .errors
        .iter()
        .map(|error| {
            if error.path.is_empty() {
                "$".to_owned()
            } else {
                format!("$.{}", error.path)
            }
        })
        .collect();
    expect_same(&case["error"], &text_of(&coerced.errors).into())?;
    expect_same(&case["error_paths"], &json!(paths))
}
