//! Compiling and evaluating a mapping of about forty fields, coercing its result, and a three-clause trigger.

use bumpalo::Bump;
use criterion::{Criterion, criterion_group, criterion_main};
use signalbox_core::Document;
use signalbox_segment::fql::Trigger;
use signalbox_segment::mapping::Mapping;
use signalbox_segment::schema::{Field, FieldType, Leniency, Schema};
use signalbox_segment::value::Numbers;
use std::hint::black_box;

const EVENT: &str = include_str!("order_completed.json");
const MAPPING: &str = include_str!("conversion_mapping.json");

const TEXT: fn(&'static str) -> Field<'static> = |key| Field::new(key, key, FieldType::String);

fn schema() -> Schema<'static> {
    let many = |key| TEXT(key).multiple();
    let user: Vec<Field<'static>> = [
        "em",
        "ph",
        "ge",
        "db",
        "ln",
        "fn",
        "ct",
        "st",
        "zp",
        "country",
        "external_id",
        "hashed_maids",
    ]
    .map(many)
    .into_iter()
    .chain(["client_ip_address", "client_user_agent", "click_id", "partner_id"].map(TEXT))
    .collect();
    let contents: &[Field<'static>] = &[
        Field::new("id", "id", FieldType::String),
        Field::new("item_price", "price", FieldType::Number),
        Field::new("quantity", "quantity", FieldType::Integer),
        Field::new("item_name", "name", FieldType::String),
    ];
    let custom = vec![
        TEXT("currency"),
        Field::new("value", "value", FieldType::Number),
        many("content_ids"),
        Field::new("contents", "contents", FieldType::Object)
            .multiple()
            .properties(contents.to_vec().leak()),
        Field::new("num_items", "items", FieldType::Integer),
        TEXT("order_id"),
        TEXT("search_string"),
    ];
    let fields = vec![
        TEXT("event_name").required(),
        TEXT("action_source"),
        Field::new("event_time", "time", FieldType::Datetime).required(),
        TEXT("event_id").required(),
        TEXT("event_source_url"),
        Field::new("opt_out", "opt out", FieldType::Boolean),
        TEXT("language"),
        TEXT("app_id"),
        TEXT("app_name"),
        TEXT("app_version"),
        TEXT("device_brand"),
        TEXT("device_model"),
        TEXT("device_type"),
        TEXT("os_version"),
        Field::new("wifi", "wifi", FieldType::Boolean),
        Field::new("user_data", "user", FieldType::Object).properties(user.leak()),
        Field::new("custom_data", "custom", FieldType::Object).properties(custom.leak()),
    ];
    Schema::new(fields.leak()).unwrap_or_else(|error| panic!("{error}"))
}

fn languages(c: &mut Criterion) {
    let json: serde_json::Value = serde_json::from_str(MAPPING).unwrap_or_else(|error| panic!("{error}"));
    c.bench_function("mapping: compile", |b| {
        b.iter(|| Mapping::compile(black_box(&json)).map(drop))
    });

    c.bench_function("event: parse", |b| {
        b.iter(|| Document::parse(black_box(EVENT)).map(drop))
    });

    let mapping = Mapping::compile(&json).unwrap_or_else(|error| panic!("{error}"));
    let event = Document::parse(EVENT).unwrap_or_else(|error| panic!("{error}"));
    let mut arena = Bump::new();
    c.bench_function("mapping: evaluate", |b| {
        b.iter(|| {
            arena.reset();
            let _ = black_box(mapping.resolve(event.root(), &arena));
        });
    });

    let schema = schema();
    let mut arena = Bump::new();
    let mut body = Vec::new();
    c.bench_function("mapping: evaluate, coerce, write", |b| {
        b.iter(|| {
            arena.reset();
            body.clear();
            if let Ok(mapped) = mapping.resolve(event.root(), &arena) {
                let coerced = schema.coerce(mapped, &arena, Leniency::PerField);
                coerced.value.write_json(&mut body, Numbers::Source);
            }
            black_box(body.len())
        });
    });

    let text = r#"type = "track" and event = "Order Completed" and properties.total >= 100"#;
    c.bench_function("trigger: parse", |b| {
        b.iter(|| Trigger::parse(black_box(text)).map(drop))
    });
    let trigger = Trigger::parse(text).unwrap_or_else(|error| panic!("{error}"));
    c.bench_function("trigger: evaluate", |b| {
        b.iter(|| trigger.matches(black_box(event.root())))
    });
}

criterion_group!(benches, languages);
criterion_main!(benches);
