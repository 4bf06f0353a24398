//! The filters `json` and `inspect`, `raw` and `default`.

use super::super::item::Item;
use super::call::{Call, Filtered, Named};
use crate::mapping::directives::json::json_text;
use crate::mapping::error::RuntimeError;
use crate::mapping::limits::bounded;
use crate::value::Value;

pub(super) const FILTERS: &[Named] = &[
    ("json", json),
    ("jsonify", json),
    ("inspect", json),
    ("raw", |call| Ok(call.input)),
    ("default", default),
];

fn json(call: Call<'_>) -> Filtered<'_> {
    let text = match call.input {
        Item::Value(Value::Undefined) => return Ok(call.input),
        Item::Value(value) => json_text(value, call.arena),
        // The words are objects without members at Segment.
        Item::Nil | Item::Empty | Item::Blank => "{}",
    };
    let indent = match call.argument(0).value() {
        Value::Str(indent) => indent.chars().take(10).collect(),
        Value::Number(count) => " ".repeat(count.to_f64().clamp(0.0, 10.0) as usize),
        _ => String::new(),
    };
    match indent.as_str() {
        "" => call.made(text),
        indent => {
            let text = indented(text, indent);
            bounded(text.len())?;
            call.made(&text)
        }
    }
}

/// Spreads compact JSON over lines.
fn indented(json: &str, indent: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut chars = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(indent, depth));
    };
    while let Some(c) = chars.next() {
        if quoted {
            out.push(c);
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            other => {
                quoted = other == '"';
                out.push(other);
            }
        }
    }
    out
}

fn default(call: Call<'_>) -> Filtered<'_> {
    let value = call.input.value();
    let more = call.arguments.get(1..).unwrap_or_default();
    let is_pair = |argument: &Item<'_>| match argument {
        Item::Value(value) => value.is_array() || value.is_object(),
        _ => true,
    };
    if value.as_bool() == Some(false) && !more.iter().all(is_pair) {
        return Err(RuntimeError::new(
            "default: an argument behind the first has no name",
        ));
    }
    let allows_false = more
        .iter()
        .map(|argument| argument.value())
        .rfind(|pair| pair.index(0).as_str() == Some("allow_false"))
        .is_some_and(|pair| !pair.index(1).is_falsy());
    let stands = match value {
        Value::Str(text) => !text.is_empty(),
        Value::Bool(false) => allows_false,
        _ if value.is_array() => value.array_len() > 0,
        _ => !value.is_nullish(),
    };
    Ok(if stands { value.into() } else { call.argument(0) })
}
