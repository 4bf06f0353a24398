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
fn liquid_that_segment_refuses_fails() {
    for (broken, why) in [
        ("{% for i in list %}{% endfor %}", "tag \"for\" is disabled"),
        ("{{ list | map: 'k' }}", "filter \"map\" is disabled"),
        ("{{ a", "an output is not closed"),
        ("{% if a %}", "tag \"if\" not closed"),
        ("{% endif %}", "tag \"endif\" not found"),
        ("{{ 'a }}", "an output is not closed"),
        ("{{ a ~ }}", "expected `|` before a filter"),
    ] {
        let found = liquid(broken).unwrap_err();
        assert!(found.contains(why), "{broken}: {found}");
    }
    assert!(
        liquid("{{ 5 | date: '%Y', 'Nowhere/Town' }}")
            .unwrap_err()
            .contains("time zone")
    );
    assert!(liquid(&"x".repeat(1001)).unwrap_err().contains("1000 characters"));
    assert!(liquid(&"{% if a %}".repeat(99)).is_err());
    // A branch that is not taken may hold a disabled filter.
    assert_eq!(
        liquid("{% if missing %}{{ a | map: 'k' }}{% endif %}").as_deref(),
        Ok("")
    );
}

#[test]
fn a_sample_is_one_of_the_elements() {
    let found =
        liquid("{{ list | sample }}{{ list | sample: 2 | size }}{{ list | sample: 9 | size }}").unwrap();
    assert!(["p22", "q22"].contains(&found.as_str()), "{found}");
}

#[test]
fn huge_results_are_refused() {
    for template in ["{{ (1..9999999999) | size }}", "{{ 5 | date: '%99999999Y' }}"] {
        assert!(
            liquid(template).unwrap_err().contains("longer than 1 MiB"),
            "{template}"
        );
    }
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
