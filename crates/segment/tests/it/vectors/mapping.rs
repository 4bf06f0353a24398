use super::compare::{expect_error, expect_same};
use bumpalo::Bump;
use serde_json::Value as Json;
use signalbox_core::Document;
use signalbox_segment::mapping::{Mapping, MappingErrorKind};
use signalbox_segment::value::Value;

#[test]
fn mapping_vectors() {
    super::run("mapping", "mapping_vectors.jsonl", |_| true, check);
}

fn kind(kind: MappingErrorKind) -> &'static str {
    match kind {
        MappingErrorKind::Validation => "validation",
        MappingErrorKind::Runtime => "runtime",
    }
}

fn check(case: &Json) -> Result<(), String> {
    let event = Document::parse(&case["event"].to_string()).map_err(|error| error.to_string())?;
    let event = event.root();
    let batch = case["batch"].as_bool() == Some(true);
    // Segment looks at the event before it looks at the mapping.
    if !batch && !Value::from(event).is_object() {
        return expect_error(
            case,
            "runtime",
            &format!("data must be an object, got {}", event.kind().name()),
        );
    }
    if batch && !Value::from(event).is_array() {
        return expect_error(
            case,
            "runtime",
            &format!("data must be an array, got {}", event.kind().name()),
        );
    }
    let mapping = match Mapping::compile(&case["mapping"]) {
        Ok(mapping) => mapping,
        Err(error) => return expect_error(case, kind(error.errors[0].kind), &error.to_string()),
    };
    let arena = Bump::new();
    let result = if batch {
        // Segment maps each element of a batch, objects or not, as `@arrayPath` does.
        let each = serde_json::json!({ "@arrayPath": ["$.batch", case["mapping"]] });
        let mapping = Mapping::compile(&each).map_err(|error| error.to_string())?;
        let payload = Value::Object(arena.alloc_slice_copy(&[("batch", event.into())]));
        mapping.resolve(payload, &arena).map(Value::to_json)
    } else {
        mapping.resolve(event, &arena).map(Value::to_json)
    };
    match result {
        Ok(found) if case.get("error").is_none() => expect_same(&case["expected"], &found),
        Ok(found) => Err(format!("expected the error {}, found {found}", case["error"])),
        Err(error) => expect_error(case, kind(error.kind()), error.message()),
    }
}
