use super::*;
use crate::value::{Numbers, parse_json};
use proptest::prelude::*;

const CONTENTS: Field<'static> = Field::new("contents", "Contents", FieldType::Object)
    .multiple()
    .properties(&[
        Field::new("id", "Product ID", FieldType::String).required(),
        Field::new("item_price", "Price", FieldType::Number),
        Field::new("quantity", "Quantity", FieldType::Integer),
        Field::new("gift", "Gift", FieldType::Boolean),
    ]);

const FIELDS: &[Field<'static>] = &[
    Field::new("event_id", "Event ID", FieldType::String).required(),
    Field::new("currency", "Currency", FieldType::String).at_most(3.0),
    Field::new("kind", "Kind", FieldType::String).choices(&[Choice::text("a", "A"), Choice::text("b", "B")]),
    Field::new("custom_data", "Custom data", FieldType::Object).properties(&[
        Field::new("value", "Value", FieldType::Number),
        Field::new("note", "Note", FieldType::String).nullable(),
        CONTENTS,
    ]),
    Field::new("tags", "Tags", FieldType::String).multiple(),
    Field::new("user", "User", FieldType::Object).properties(&[Field::new(
        "since",
        "Since",
        FieldType::Datetime,
    )
    .required()]),
];

struct Outcome {
    json: String,
    errors: Vec<String>,
    dropped: Vec<(String, &'static str)>,
}

fn code(kind: FieldErrorKind) -> &'static str {
    match kind {
        FieldErrorKind::Type => "type",
        FieldErrorKind::Missing => "missing",
        FieldErrorKind::Choice => "choice",
        FieldErrorKind::Limit => "limit",
        FieldErrorKind::Length => "length",
        FieldErrorKind::Format => "format",
    }
}

fn coerce(fields: &'static [Field<'static>], payload: &str, leniency: Leniency) -> Outcome {
    let arena = Bump::new();
    let schema = Schema::new(fields).unwrap();
    let coerced = schema.coerce(parse_json(payload, &arena).into(), &arena, leniency);
    let mut json = Vec::new();
    coerced.value.write_json(&mut json, Numbers::Source);
    Outcome {
        json: String::from_utf8(json).unwrap(),
        errors: coerced
            .errors
            .iter()
            .map(|error| format!("{}: {}", error.path, code(error.kind)))
            .collect(),
        dropped: coerced
            .dropped
            .into_iter()
            .map(|error| (error.path, code(error.kind)))
            .collect(),
    }
}

fn per_field(payload: &str) -> Outcome {
    coerce(FIELDS, payload, Leniency::PerField)
}

#[test]
fn nothing_is_invented_from_null_and_blank() {
    let contents = r#"[{"id":"a","item_price":null,"quantity":"","gift":null},{"id":"b","item_price":" "}]"#;
    let payload =
        format!(r#"{{"event_id":"1","custom_data":{{"value":" ","note":null,"contents":{contents}}}}}"#);
    let outcome = per_field(&payload);
    assert_eq!(
        outcome.json,
        r#"{"event_id":"1","custom_data":{"note":null,"contents":[{"id":"a"},{"id":"b"}]}}"#
    );
    assert!(outcome.errors.is_empty() && outcome.dropped.is_empty());

    let segment = coerce(FIELDS, &payload, Leniency::Segment);
    assert!(
        segment
            .errors
            .contains(&"custom_data.contents[0].quantity: type".to_owned()),
        "{:?}",
        segment.errors
    );
}

#[test]
fn a_detail_that_does_not_fit_is_dropped_by_name() {
    let outcome = per_field(
        r#"{"event_id":7,"currency":"EURO","kind":"c","tags":["x",{"y":1},5],
            "custom_data":{"value":true,"contents":[{"id":"a","item_price":"9.50"},{"id":"b","item_price":{}}]}}"#,
    );
    assert_eq!(
        outcome.json,
        r#"{"event_id":"7","custom_data":{"contents":[{"id":"a","item_price":9.5},{"id":"b"}]},"tags":["x","5"]}"#
    );
    assert!(outcome.errors.is_empty());
    let expected = [
        ("currency", "length"),
        ("kind", "choice"),
        ("custom_data.value", "type"),
        ("custom_data.contents[1].item_price", "type"),
        ("tags[1]", "type"),
    ];
    let dropped: Vec<_> = outcome
        .dropped
        .iter()
        .map(|(path, kind)| (path.as_str(), *kind))
        .collect();
    assert_eq!(dropped, expected);
}

#[test]
fn an_object_without_its_required_member_goes_whole() {
    let outcome = per_field(
        r#"{"event_id":"1","user":{"since":"not a date"},"custom_data":{"contents":[{"quantity":1},{"id":"b"}]}}"#,
    );
    assert_eq!(
        outcome.json,
        r#"{"event_id":"1","custom_data":{"contents":[{"id":"b"}]}}"#
    );
    assert_eq!(
        outcome.dropped,
        [
            ("custom_data.contents[0]".to_owned(), "missing"),
            ("user.since".to_owned(), "format")
        ]
    );
}

#[test]
fn a_required_top_level_field_fails_the_payload() {
    assert_eq!(per_field(r#"{"event_id":" "}"#).errors, [": missing"]);
    assert_eq!(per_field(r#"{"event_id":{"a":1}}"#).errors, ["event_id: type"]);
    assert_eq!(per_field("[]").errors, [": type"]);
}

#[test]
fn shapes_are_forgiven_where_nothing_is_lost() {
    let outcome = per_field(
        r#"{"event_id":["1"],"tags":12345678901234567890,"custom_data":[{"value":["3"],"contents":{"id":5,"quantity":"2"}}]}"#,
    );
    assert_eq!(
        outcome.json,
        r#"{"event_id":"1","custom_data":{"value":3,"contents":[{"id":"5","quantity":2}]},"tags":["12345678901234567890"]}"#
    );
    assert!(outcome.dropped.is_empty());
}

#[test]
fn numbers_out_of_range_do_not_fit() {
    let arena = Bump::new();
    let event = signalbox_core::Document::parse(r#"{"event_id":"1","custom_data":{"value":1e400}}"#).unwrap();
    let schema = Schema::new(FIELDS).unwrap();
    let coerced = schema.coerce(event.root().into(), &arena, Leniency::PerField);
    assert_eq!(coerced.dropped[0].path, "custom_data.value");
    assert!(
        !schema
            .coerce(event.root().into(), &arena, Leniency::Segment)
            .errors
            .is_empty()
    );
}

#[test]
fn errors_hold_no_values() {
    let arena = Bump::new();
    let schema = Schema::new(FIELDS).unwrap();
    let payload =
        r#"{"event_id":{"a":"jane@example.com"},"user":{"since":"jane at example.com"},"currency":"jane"}"#;
    for leniency in [Leniency::Segment, Leniency::PerField] {
        let coerced = schema.coerce(parse_json(payload, &arena).into(), &arena, leniency);
        assert!(!format!("{coerced:?}").contains("jane"));
    }
}

#[test]
fn tables_are_checked() {
    const TWICE: &[Field<'static>] = &[
        Field::new("a", "A", FieldType::String),
        Field::new("a", "B", FieldType::Number),
    ];
    assert_eq!(Schema::new(TWICE).unwrap_err(), "a: is there twice");
}

proptest! {
    #[test]
    fn coercing_twice_changes_nothing(
        value in prop::sample::select(vec!["1", "\"2.5\"", "\" \"", "null", "true", "[1]", "[]", "{}", "\"a\"", "1e999", "[[\"a\"]]"]),
        key in prop::sample::select(vec!["event_id", "currency", "kind", "tags", "custom_data", "user"]),
        inner in prop::sample::select(vec!["value", "note", "contents", "id", "since"]),
    ) {
        for payload in [format!(r#"{{"event_id":"1","{key}":{value}}}"#), format!(r#"{{"event_id":"1","{key}":{{"{inner}":{value}}}}}"#)] {
            let once = per_field(&payload);
            if once.errors.is_empty() {
                let twice = per_field(&once.json);
                prop_assert_eq!(&twice.json, &once.json);
                prop_assert!(twice.dropped.is_empty());
            }
        }
    }
}
