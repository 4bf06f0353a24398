//! `@replace`: literal patterns, JavaScript's replacement text.

use super::error::RuntimeError;
use super::plan::{Replace, ReplaceStep};
use super::template::bounded;
use crate::value::Value;
use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

/// Replaces in the text of a string, number or boolean; everything else, missing values included, becomes `""`.
pub(super) fn replace<'a>(
    parts: &'a Replace,
    value: Value<'a>,
    arena: &'a Bump,
) -> Result<Value<'a>, RuntimeError> {
    let mut text: &'a str = match value {
        Value::Str(text) => text,
        Value::Bool(_) => {
            if value.as_bool() == Some(true) {
                "true"
            } else {
                "false"
            }
        }
        Value::Number(number) => number.with_js_text(|text| &*arena.alloc_str(text)),
        _ => return Ok(Value::Str("")),
    };
    for step in &parts.steps {
        text = one_step(step, parts, text, arena)?;
    }
    Ok(Value::Str(text))
}

fn one_step<'a>(
    step: &ReplaceStep,
    parts: &Replace,
    text: &'a str,
    arena: &'a Bump,
) -> Result<&'a str, RuntimeError> {
    let mut out = BumpString::new_in(arena);
    let mut done = 0;
    while let Some((start, end)) = find(text, done, &step.pattern, parts.ignore_case) {
        out.push_str(&text[done..start]);
        push_replacement(&mut out, &step.replacement, text, start, end);
        bounded(out.len())?;
        done = end;
        if !parts.global {
            break;
        }
    }
    if done == 0 {
        return Ok(text);
    }
    out.push_str(&text[done..]);
    Ok(out.into_bump_str())
}

/// The first occurrence of the pattern (at most ten units) at or after `from`.
fn find(text: &str, from: usize, pattern: &str, ignore_case: bool) -> Option<(usize, usize)> {
    if !ignore_case {
        return text[from..]
            .find(pattern)
            .map(|at| (from + at, from + at + pattern.len()));
    }
    for (at, _) in text[from..].char_indices() {
        let mut rest = text[from + at..].chars();
        if pattern
            .chars()
            .all(|wanted| rest.next().is_some_and(|found| fold(found) == fold(wanted)))
        {
            return Some((from + at, text.len() - rest.as_str().len()));
        }
    }
    None
}

/// What ECMAScript compares when ignoring case without the `u` flag: simple upper case of one UTF-16 unit, never
/// from outside ASCII into it.
fn fold(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None)
            if c.len_utf16() == 1 && single.len_utf16() == 1 && (c.is_ascii() || !single.is_ascii()) =>
        {
            single
        }
        _ => c,
    }
}

fn push_replacement(out: &mut BumpString<'_>, replacement: &str, text: &str, start: usize, end: usize) {
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let inserted = match rest.as_bytes().get(at + 1) {
            Some(b'$') => "$",
            Some(b'&') => &text[start..end],
            Some(b'`') => &text[..start],
            Some(b'\'') => &text[end..],
            _ => {
                out.push('$');
                rest = &rest[at + 1..];
                continue;
            }
        };
        out.push_str(inserted);
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_ignored_as_javascript_does() {
        assert_eq!(fold('σ'), fold('ς'));
        assert_eq!(fold('ø'), fold('Ø'));
        assert_ne!(fold('ß'), fold('s'));
        assert_ne!(fold('\u{212a}'), fold('k'));
        assert_ne!(fold('ſ'), fold('s'));
    }

    #[test]
    fn text_before_and_after_cannot_grow_without_bound() {
        let parts = Replace {
            value: super::super::plan::Expr::Undefined,
            steps: vec![ReplaceStep {
                pattern: "a".into(),
                replacement: "$`$'".into(),
            }],
            ignore_case: false,
            global: true,
        };
        let arena = Bump::new();
        let text = "a".repeat(50_000);
        assert!(replace(&parts, Value::Str(&text), &arena).is_err());
    }
}
