//! Comparing JSON as the vectors ask: numbers as doubles, members in any order.

use serde_json::Value as Json;

pub(super) fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => left.as_f64() == right.as_f64(),
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

pub(super) fn expect_same(expected: &Json, found: &Json) -> Result<(), String> {
    if same(expected, found) {
        Ok(())
    } else {
        Err(format!("expected {expected}, found {found}"))
    }
}

/// The error's kind must match, and in our own cases its text where Segment wrote it.
pub(super) fn expect_error(case: &Json, kind: &str, text: &str) -> Result<(), String> {
    let Some(expected) = case["error"].as_str() else {
        return Err(format!("failed: {text}"));
    };
    if case["error_kind"]
        .as_str()
        .is_some_and(|expected| expected != kind)
    {
        return Err(format!(
            "expected a {} error, found {kind}: {text}",
            case["error_kind"]
        ));
    }
    let engine_made =
        expected.contains("Cannot read") || expected.contains("line:") || expected.contains("Maximum");
    if engine_made || expected == text {
        Ok(())
    } else {
        Err(format!("expected {expected:?}, found {text:?}"))
    }
}
