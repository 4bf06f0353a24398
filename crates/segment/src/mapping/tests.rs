use super::*;
use proptest::prelude::*;
use serde_json::json;
use signalbox_core::Document;

fn warnings(mapping: Json) -> Vec<(String, &'static str)> {
    let mapping = Mapping::compile(&mapping).unwrap();
    mapping
        .warnings()
        .iter()
        .map(|warning| (warning.path.clone(), warning.code))
        .collect()
}

#[test]
fn doubtful_places_are_named() {
    for (value, code) in [
        (json!({"@path": "$.properties.city,"}), "path_punctuation"),
        (json!({"@path": "$['a']"}), "path_root"),
        (json!({"@path": "$.products[*].id"}), "path_wildcard"),
        (json!({"@template": "{{$.a}}"}), "template_path"),
        (json!({"@template": "{{{a}}}"}), "triple_braces"),
        (json!({"@template": "{{a | upcase}}"}), "template_filter"),
        (
            json!({"@if": {"exists": {"@path": "$.a"}, "then": 1, "else": false}}),
            "falsy_else",
        ),
        (
            json!({"@if": {"exists": {"@path": "$.a"}, "then": 1, "else": 1}}),
            "same_branches",
        ),
        (
            json!({"@if": {"exists": {"@template": "{{a}}"}, "then": 1}}),
            "always_exists",
        ),
        (
            json!({"@if": {"blank": {"@path": "$.a"}, "then": 1}}),
            "blank_means_filled",
        ),
        (
            json!({"@json": {"mode": "ENCODE", "value": {"@path": "$.a"}}}),
            "capitals",
        ),
    ] {
        let mut place = "/x/".to_owned();
        place.extend(value.as_object().unwrap().keys().next().map(String::as_str));
        assert_eq!(warnings(json!({"x": value})), [(place, code)]);
    }
    assert_eq!(
        warnings(json!({"x": ["Hi {{name}}"]})),
        [("/x/0".to_owned(), "plain_template")]
    );
    assert_eq!(warnings(json!({"x": "$.a"})), [("/x".to_owned(), "plain_path")]);
}

#[test]
fn ordinary_mappings_have_no_warnings() {
    let mapping = json!({
        "a": {"@if": {"exists": {"@path": "$.a"}, "then": {"@path": "$.a"}, "else": {"@path": "$.b"}}},
        "b": {"@arrayPath": ["$.l", {"id": {"@path": "$.id"}}]},
        "c": {"@template": "{{a.b}} | {{c}}"},
        "d": {"@replace": {"pattern": "-", "value": {"@path": "$.d"}}}
    });
    assert_eq!(warnings(mapping), []);
}

#[test]
fn a_failing_field_costs_only_itself_when_lenient() {
    let mapping = Mapping::compile(&json!({
        "good": {"@path": "$.a"},
        "bad": {"@path": {"@path": "$.a"}},
    }))
    .unwrap();
    let event = Document::parse(r#"{"a":1}"#).unwrap();
    let arena = Bump::new();
    assert_eq!(
        mapping.resolve(event.root(), &arena).unwrap_err().field(),
        Some("bad")
    );
    let mut failed = Vec::new();
    let payload = mapping
        .resolve_leniently(event.root(), &arena, &mut failed)
        .unwrap();
    assert_eq!(payload.to_json(), json!({"good": 1}));
    assert_eq!(failed[0].to_string(), "bad: @path: expected string, got number");
}

#[test]
fn deep_else_chains_compile_in_linear_time() {
    let mut chain = json!({"@path": "$.z"});
    for _ in 0..30 {
        chain = json!({"@if": {"exists": {"@path": "$.a"}, "then": {"@path": "$.a"}, "else": chain}});
    }
    assert!(Mapping::compile(&json!({"x": chain})).is_ok());
}

#[test]
fn mappings_too_deep_are_refused() {
    let mut deep = json!(1);
    for _ in 0..=MAX_DEPTH {
        deep = json!({"a": deep});
    }
    assert!(Mapping::compile(&deep).is_err());
}

#[test]
fn numbers_keep_their_spelling() {
    let mapping = r#"{"id":{"@path":"$.id"},"constant":12345678901234567890}"#;
    let mapping = Mapping::compile(&serde_json::from_str(mapping).unwrap()).unwrap();
    let event = Document::parse(r#"{"id":98765432109876543210}"#).unwrap();
    let arena = Bump::new();
    let mut out = Vec::new();
    mapping
        .resolve(event.root(), &arena)
        .unwrap()
        .write_json(&mut out, crate::value::Numbers::Source);
    assert_eq!(
        out,
        br#"{"id":98765432109876543210,"constant":12345678901234567890}"#
    );
}

fn liquid(template: &str) -> Result<String, String> {
    let mapping =
        Mapping::compile(&json!({"x": {"@liquid": template}})).map_err(|error| error.to_string())?;
    let event = Document::parse(r#"{"a":"x=1&y=2","n":0,"list":["p","q"],"o":{"k v":{"z":true}}}"#).unwrap();
    let arena = Bump::new();
    let payload = mapping
        .resolve(event.root(), &arena)
        .map_err(|error| error.to_string())?;
    Ok(payload.get("x").as_str().unwrap().to_owned())
}

#[test]
fn liquid_does_what_mappings_use_of_it() {
    for (template, expected) in [
        ("{% assign p = a | split: 'y=' %}{{ p[1] }}{{ p.size }}", "22"),
        (
            "{% if n and list == nil %}1{% elsif o['k v'].z %}2{% else %}3{% endif %}",
            "2",
        ),
        ("{% unless a contains 'y' %}1{% else %}2{% endunless %}", "2"),
        ("a {%- comment %} {% if %} {% endcomment -%} b", "ab"),
        (
            "{{ list[-1] | append: '!' | upcase }}{{ missing | default: 'd' }}",
            "Q!d",
        ),
        ("{% if n >= 0 and a or false %}y{% endif %}", "y"),
    ] {
        assert_eq!(liquid(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn liquid_that_cannot_be_used_is_refused() {
    assert!(
        liquid("{{ a | round }}")
            .unwrap_err()
            .contains("filter round, which is not supported")
    );
    assert!(
        liquid("{% for i in list %}{% endfor %}")
            .unwrap_err()
            .contains("tag \"for\" is disabled")
    );
    for broken in [
        "{{ a",
        "{% if a %}",
        "{% endif %}",
        "{{ 'a }}",
        "{% unless a %}{% endif %}",
        "{{ a b }}",
    ] {
        assert!(liquid(broken).is_err(), "{broken}");
    }
    assert!(liquid(&"x".repeat(1001)).is_err());
    assert!(liquid(&"{% if a %}".repeat(99)).is_err());
}

proptest! {
    #[test]
    fn no_liquid_or_template_panics(text in "(\\{\\{|\\}\\}|\\{%|%\\}|if |endif|assign x=|else|a|\\[0\\]|\\.|\\||split: 'y'|\"é|-| |==|1\\.){0,12}") {
        let _ = liquid(&text);
        let mapping = Mapping::compile(&json!({"x": {"@template": text}, "y": {"@path": text}})).unwrap();
        let event = Document::parse(r#"{"a":["é"]}"#).unwrap();
        prop_assert!(mapping.resolve(event.root(), &Bump::new()).is_ok());
    }
}
