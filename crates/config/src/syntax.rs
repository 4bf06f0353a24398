//! Findings for syntax errors, with remedies. The parser's messages contain no values.

use std::ops::Range;

use super::diagnostic::Finding;
use super::origin::Lines;

/// Returns one finding for each syntax error.
pub(crate) fn findings(errors: &[toml::de::Error], text: &str, lines: &Lines<'_>) -> Vec<Finding> {
    let mut twice = Vec::new();
    let mut findings = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        if error.message() != "duplicate key" {
            findings.push(finding(error.message(), &span, text));
        } else if is_header(&span, text) {
            twice.push(line_start(span.start, text));
            findings.push(duplicate(&span, text, lines));
        } else if !twice.contains(&header_above(span.start, text)) {
            // A duplicate table is reported once, not again for each of its keys.
            findings.push(duplicate(&span, text, lines));
        }
    }
    findings
}

fn line_start(at: usize, text: &str) -> usize {
    text.get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |end| end + 1)
}

/// Returns true if the key stands in a table header rather than before a value.
fn is_header(span: &Range<usize>, text: &str) -> bool {
    text.get(line_start(span.start, text)..span.end)
        .is_some_and(|line| line.trim_start().starts_with('['))
}

/// Returns the offset of the nearest line above that begins with a bracket.
fn header_above(at: usize, text: &str) -> usize {
    text.get(..at)
        .and_then(|before| before.rfind("\n["))
        .map_or(0, |end| end + 1)
}

fn finding(message: &str, span: &Range<usize>, text: &str) -> Finding {
    // The message up to the comma is the mistake; the rest lists the tokens that the parser accepts.
    let what = message.split(',').next().unwrap_or(message);
    let at = span.start;
    match what {
        "string values must be quoted"
            if text.get(span.clone()).is_none_or(|given| given.trim().is_empty()) =>
        {
            Finding::new("", at, "a value is missing after '='")
        }
        "string values must be quoted" => Finding::new("", at, "this value is not TOML; a text needs quotes")
            .help("write \"text\"; numbers, true and false go without quotes"),
        "recursion limit" | "cannot recurse further; max recursion depth met" => {
            Finding::new("", at, "nested too deeply")
        }
        _ => Finding::new("", at, format!("this is not TOML: {message}")),
    }
}

/// Returns the finding for a duplicate table header or key. Keys are names, not values, so they may be shown.
fn duplicate(span: &Range<usize>, text: &str, lines: &Lines<'_>) -> Finding {
    let key = text.get(span.clone()).unwrap_or("").trim_matches(['"', '\'']);
    let start = line_start(span.start, text);
    let header = text
        .get(start..span.end)
        .map(str::trim)
        .and_then(|line| line.strip_prefix('['));
    match header {
        Some(path) if !path.starts_with('[') && !path.contains([']', '=', '"', '\'', '#']) => {
            let path = path.trim();
            let finding = Finding::new(path, span.start, format!("the table '{path}' is defined twice"));
            match first_header(path, text, start) {
                Some(at) => finding.help(format!(
                    "it is also at line {}; give one of the two another name, or make them one",
                    lines.position(at).line
                )),
                None => finding.help("keep one of the two"),
            }
        }
        _ => Finding::new(key, span.start, format!("'{key}' is set twice in this table"))
            .help("keep one of the two"),
    }
}

/// Returns the offset of the first header `[path]` before `end`.
fn first_header(path: &str, text: &str, end: usize) -> Option<usize> {
    let mut at = 0;
    for line in text.get(..end)?.split_inclusive('\n') {
        let inner = line
            .trim_start()
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'));
        if inner.is_some_and(|(inner, _)| inner.trim() == path) {
            return Some(at);
        }
        at += line.len();
    }
    None
}
