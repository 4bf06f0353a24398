//! The golden cases. `VECTORS_DIR` names another folder with the same layout; then nothing but the cases counts.

use std::collections::BTreeMap;

use crate::support::{Case, Golden, Made, body, known_failures, pairs, run, same, settings_are_taken};
use signalbox_conversions::Compat;

/// Segment's error classes by kind.
pub(crate) fn kind(error: &serde_json::Value) -> &'static str {
    match (
        error["class"].as_str().unwrap_or_default(),
        error["code"].as_str(),
    ) {
        ("AggregateAjvError", _) => "validation",
        ("IntegrationError", Some("Misconfigured required field")) => "identifier",
        ("PayloadValidationError", _) => "languages",
        ("EmptyValueError", _) => "empty value",
        ("AggregateError" | "Error" | "ParseError" | "RenderError" | "TokenizationError", _) => "mapping",
        ("TypeError", _) => "crash",
        ("NotExecuted", _) => "trigger",
        _ => "other",
    }
}

fn kind_of_code(code: &str) -> &'static str {
    match code {
        "segment_validation" => "validation",
        "no_identifier" => "identifier",
        "segment_languages" => "languages",
        "segment_empty_value" => "empty value",
        "mapping_failed" => "mapping",
        "segment_crash" => "crash",
        _ => "other",
    }
}

/// Segment's result and ours, each in a word or as the event sent.
fn check(case: &Case, golden: &Golden) -> Result<(), String> {
    let expected = golden.results.first();
    let made = run(case, Compat::Segment);
    match (expected, made) {
        (None, Ok(Made::Nothing)) => Ok(()),
        (Some(result), Ok(Made::Sent(record))) => match result.event() {
            Some(event) if record.mapping.as_ref() == result.preset && same(event, &body(&record)) => Ok(()),
            Some(event) => Err(format!("expected {event}, made {}", body(&record))),
            None => Err(format!(
                "expected an error ({}), made a record",
                kind(result.error.as_ref().unwrap())
            )),
        },
        (Some(result), Ok(Made::Refused(code, _))) => expect(result.error.as_ref(), kind_of_code(&code)),
        (Some(result), Err(found)) => expect(result.error.as_ref(), found),
        (None, _) => Err("expected nothing".into()),
        (Some(_), Ok(Made::Nothing)) => Err("nothing listens".into()),
    }
}

fn expect(error: Option<&serde_json::Value>, found: &str) -> Result<(), String> {
    match error {
        Some(error) if kind(error) == found => Ok(()),
        Some(error) => Err(format!("expected a {} error, found {found}", kind(error))),
        None => Err(format!("refused: {found}")),
    }
}

#[test]
fn pinterest_vectors() {
    let (mut pairs, unreadable) = pairs("cases.jsonl", "golden.jsonl");
    assert_eq!(unreadable, 0);
    pairs.retain(|(case, _)| {
        let taken = settings_are_taken(case);
        if !taken {
            println!(
                "pinterest {}: our configuration refuses these settings, so it is not counted",
                case.name
            );
        }
        taken
    });
    let failures: BTreeMap<&str, String> = pairs
        .iter()
        .filter_map(|(case, golden)| check(case, golden).err().map(|why| (case.name.as_str(), why)))
        .collect();
    println!("\npinterest: {}/{}", pairs.len() - failures.len(), pairs.len());
    for (name, why) in &failures {
        println!("pinterest {name}: {why}");
    }
    let known = known_failures();
    let unknown: Vec<_> = failures
        .keys()
        .filter(|name| !known.contains_key(**name))
        .collect();
    assert!(unknown.is_empty(), "these fail and are not listed: {unknown:#?}");
    if std::env::var_os("VECTORS_DIR").is_none() {
        let fixed: Vec<_> = known
            .keys()
            .filter(|name| !failures.contains_key(name.as_str()))
            .collect();
        assert!(fixed.is_empty(), "these are listed and do not fail: {fixed:#?}");
    }
}

#[test]
fn pinterest_extra_vectors_are_reported() {
    let (pairs, unreadable) = pairs("cases.extra.jsonl", "golden.extra.jsonl");
    for (case, golden) in &pairs {
        let result = check(case, golden);
        println!(
            "pinterest extra {}: {}",
            case.name,
            result.err().unwrap_or_else(|| "as Segment".into())
        );
    }
    println!(
        "pinterest extra: {} lines, {unreadable} of them no strict JSON",
        pairs.len() + unreadable
    );
    assert!(!pairs.is_empty());
}
