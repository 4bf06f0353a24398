//! `@replace`: literal patterns, JavaScript's replacement text.

use crate::mapping::directive::*;
use crate::value::{Value, utf16_len};
use bumpalo::Bump;
use bumpalo::collections::String as BumpString;
use serde_json::Map;

pub(super) const DIRECTIVE: Directive = Directive::new("@replace", check, compile);

/// Maximum length of a pattern and of a replacement, in UTF-16 units.
const MAX_PATTERN: usize = 10;

#[derive(Debug)]
struct Replace {
    value: Expr,
    /// `None` if an option has the wrong type, which lists hide from the check: the result is then `""`.
    options: Option<Options>,
}

#[derive(Debug)]
struct Options {
    steps: Vec<Step>,
    ignore_case: bool,
    global: bool,
}

#[derive(Debug)]
struct Step {
    pattern: Box<str>,
    replacement: Box<str>,
    /// The option that is too long, an error once there is a text.
    too_long: Option<&'static str>,
}

fn check(check: &mut Check, argument: &Json) {
    check.object_argument(argument, |check, object| {
        check.required(object, "pattern", |check, value| text_of_length(check, value, 1));
        check.optional(object, "replacement", |check, value| {
            text_of_length(check, value, 0)
        });
        check.required(object, "value", Check::string_or_checked_directive);
        check.optional(object, "ignorecase", boolean);
        check.optional(object, "global", boolean);
    });
}

fn boolean(check: &mut Check, value: &Json) {
    if !value.is_boolean() {
        check.fail(wrong_type("a boolean", value));
    }
}

fn text_of_length(check: &mut Check, value: &Json, least: usize) {
    match value.as_str().map(utf16_len) {
        None => check.fail(wrong_type("a string", value)),
        Some(length) if length < least => {
            check.fail(format!("should be a string of length {least} or greater"));
        }
        Some(length) if length > MAX_PATTERN => {
            check.fail(format!("should be a string of length {MAX_PATTERN} or less"));
        }
        Some(_) => {}
    }
}

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    let Json::Object(object) = argument else {
        return fail("@replace requires an object with a \"pattern\" key");
    };
    if falsy(object.get("pattern")) {
        return fail("@replace requires a \"pattern\" key");
    }
    if falsy(object.get("value")) {
        return Expr::Undefined;
    }
    Expr::directive(Replace {
        value: compiler.member(object, "value"),
        options: options(object),
    })
}

fn options(object: &Map<String, Json>) -> Option<Options> {
    let given = |key: &str| object.get(key).filter(|value| !value.is_null());
    let flag = |key: &str, default: bool| given(key).map_or(Some(default), Json::as_bool);
    let replacement = |key: &str| given(key).map_or(Some(""), Json::as_str);
    let mut steps = vec![step(
        object.get("pattern")?.as_str()?,
        replacement("replacement")?,
    )];
    // Segment passes over a second pair of the wrong type.
    let second = given("pattern2")
        .and_then(Json::as_str)
        .filter(|pattern| !pattern.is_empty());
    steps.extend(
        second
            .zip(replacement("replacement2"))
            .map(|(pattern, by)| step(pattern, by)),
    );
    Some(Options {
        steps,
        ignore_case: flag("ignorecase", false)?,
        global: flag("global", true)?,
    })
}

fn step(pattern: &str, replacement: &str) -> Step {
    let long = |text: &str| utf16_len(text) > MAX_PATTERN;
    Step {
        pattern: pattern.into(),
        replacement: replacement.into(),
        too_long: match (long(pattern), long(replacement)) {
            (true, _) => Some("pattern"),
            (_, true) => Some("replacement"),
            _ => None,
        },
    }
}

impl Evaluate for Replace {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        replace(self, eval.value(&self.value)?, eval.arena)
    }
}

/// Replaces in the text of a string, number or boolean. Any other value, also a missing one, becomes `""`.
fn replace<'a>(parts: &'a Replace, value: Value<'a>, arena: &'a Bump) -> Result<Value<'a>, RuntimeError> {
    let mut text: &'a str = match value {
        Value::Str(text) => text,
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Number(number) => number.with_js_text(|text| &*arena.alloc_str(text)),
        _ => return Ok(Value::Str("")),
    };
    let Some(options) = &parts.options else {
        return Ok(Value::Str(""));
    };
    for step in &options.steps {
        if let Some(name) = step.too_long {
            return Err(RuntimeError::new(format!(
                "@replace requires a \"{name}\" less than 10 characters"
            )));
        }
        text = one_step(step, options, text, arena)?;
    }
    Ok(Value::Str(text))
}

fn one_step<'a>(
    step: &Step,
    options: &Options,
    text: &'a str,
    arena: &'a Bump,
) -> Result<&'a str, RuntimeError> {
    let mut out = BumpString::new_in(arena);
    let mut done = 0;
    while let Some((start, end)) = find(text, done, &step.pattern, options.ignore_case) {
        out.push_str(&text[done..start]);
        push_replacement(&mut out, &step.replacement, text, start, end);
        bounded(out.len())?;
        done = end;
        if !options.global {
            break;
        }
    }
    if done == 0 {
        return Ok(text);
    }
    out.push_str(&text[done..]);
    Ok(out.into_bump_str())
}

/// Returns start and end of the pattern's first occurrence at or after `from`.
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

/// Folds a character as ECMAScript does to ignore case without the `u` flag: to the simple upper case of one UTF-16
/// unit, but never from outside ASCII into ASCII.
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
            value: Expr::Undefined,
            options: Some(Options {
                steps: vec![step("a", "$`$'")],
                ignore_case: false,
                global: true,
            }),
        };
        let arena = Bump::new();
        let text = "a".repeat(50_000);
        assert!(replace(&parts, Value::Str(&text), &arena).is_err());
    }
}
