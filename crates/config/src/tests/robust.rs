//! No text makes the loader panic, overflow its stack or take long.

use proptest::prelude::*;

use super::{Fixture, PIPELINE, bad, env, pipeline};
use crate::load;

/// Every diagnostic has a place within the text.
fn loads(text: &str) -> Result<(), TestCaseError> {
    if let Err(errors) = load("p.toml", text, &env(&[("A", "1")])) {
        prop_assert!(!errors.is_empty());
        let lines = text.split('\n').count();
        for one in errors.as_slice() {
            let at = one.position.expect("a place");
            prop_assert!((1..=lines).contains(&at.line), "{one}");
            let line = text.split('\n').nth(at.line - 1).unwrap_or_default();
            prop_assert!((1..=line.chars().count() + 1).contains(&at.column), "{one}");
        }
        prop_assert!(errors.to_string().contains(" in p.toml"));
    }
    Ok(())
}

/// Values of every kind, nested.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("\"${A}\"".to_owned()),
        Just("\"${B}\"".to_owned()),
        Just("'web'".to_owned()),
        Just("\"5s\"".to_owned()),
        Just("true".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("nan".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        "[a-zäß€ ]{0,8}".prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::btree_map(key(), inner, 0..4).prop_map(|table| {
                let entries: Vec<String> = table
                    .iter()
                    .map(|(key, value)| format!("{key} = {value}"))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
            }),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "type",
            "inputs",
            "through",
            "batch",
            "retry",
            "account",
            "token",
            "test",
            "mappings",
            "name",
            "fields",
            "otherwise",
            "value",
            "max_events",
            "for",
            "timeout",
            "rules",
            "port",
            "concurrency",
        ])
        .prop_map(str::to_owned),
        "[a-z_]{1,6}",
        "[a-zä .]{0,4}".prop_map(|key| format!("\"{key}\"")),
    ]
}

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        loads(&text)?;
    }

    #[test]
    fn texts_of_tomls_own_characters(text in "[\\[\\]{}=.,\"'#$\\\\ \r\na-c0-9ä_-]{0,80}") {
        loads(&text)?;
    }

    #[test]
    fn pieces_of_a_pipeline(cut in 0..PIPELINE.len(), insert in "[\\[\\]=\"'\n x]{0,4}", take in 0..20_usize) {
        let (before, after) = PIPELINE.split_at(cut);
        loads(&format!("{before}{insert}{}", after.get(take..).unwrap_or_default()))?;
    }

    #[test]
    fn any_values_for_any_keys(
        entries in proptest::collection::btree_map(key(), value(), 0..6),
        table in proptest::sample::select(vec!["sinks.b", "sources.web", "transforms.b", "admin", "journal", "sinks", "x"]),
        kind in proptest::sample::select(vec!["probe_source", "probe_sink", "probe_transform"]),
    ) {
        let entries: String = entries.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        loads(&format!("[{table}]\ntype = \"{kind}\"\n{entries}"))?;
        loads(&format!("[{table}]\n{entries}"))?;
        loads(&format!("{}{entries}", pipeline("")))?;
    }
}

#[test]
fn deep_nesting_is_refused() {
    let dotted = vec!["a"; 79].join(".");
    let mut inline = "1".to_owned();
    for _ in 0..70 {
        inline = format!("{{ {dotted} = {inline} }}");
    }
    for text in [
        format!("x = {}", "[".repeat(100_000)),
        format!("x = {}{}", "[".repeat(75), "]".repeat(75)),
        format!("[{}]\n", vec!["a"; 100_000].join(".")),
        format!("{} = 1\n", vec!["a"; 70].join(".")),
        format!("x = {inline}\n"),
    ] {
        let errors = bad(&text).to_string();
        assert!(
            errors.contains("nested"),
            "{}",
            errors.get(..200).unwrap_or(&errors)
        );
    }
}

#[test]
fn long_texts_take_linear_time() {
    let environment = Fixture::default();
    // Far larger than any real file: quadratic work would show as a test that does not end.
    let many = 20_000;
    let text = format!("{}x = \"{}\"\n", pipeline(""), "${A:-b}$$".repeat(many));
    assert!(load("p.toml", &text, &environment).is_err());
    let text = text.replace('$', "\\u0024");
    assert!(load("p.toml", &text, &environment).is_err());
    let text = pipeline(&format!("mappings = [{}]\n", "{ name = 1 }, ".repeat(many)));
    assert_eq!(bad(&text).len(), many);
}
