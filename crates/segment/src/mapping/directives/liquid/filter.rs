//! Liquid's filters.

use super::values::{is_truthy, member, write};
use crate::mapping::error::RuntimeError;
use crate::mapping::limits::bounded;
use crate::value::{Value, js_text_to_number, js_trim};
use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

#[derive(Clone, Copy, Debug)]
pub(super) enum Filter {
    Upcase,
    Downcase,
    Capitalize,
    Strip,
    Split,
    First,
    Last,
    Join,
    Default,
    Plus,
    Minus,
    Times,
    Append,
    Prepend,
    Replace,
    Remove,
    Size,
    Date,
}

impl Filter {
    pub(super) fn from_name(name: &str) -> Option<Filter> {
        Some(match name {
            "upcase" => Filter::Upcase,
            "downcase" => Filter::Downcase,
            "capitalize" => Filter::Capitalize,
            "strip" => Filter::Strip,
            "split" => Filter::Split,
            "first" => Filter::First,
            "last" => Filter::Last,
            "join" => Filter::Join,
            "default" => Filter::Default,
            "plus" => Filter::Plus,
            "minus" => Filter::Minus,
            "times" => Filter::Times,
            "append" => Filter::Append,
            "prepend" => Filter::Prepend,
            "replace" => Filter::Replace,
            "remove" => Filter::Remove,
            "size" => Filter::Size,
            "date" => Filter::Date,
            _ => return None,
        })
    }

    pub(super) fn apply<'a>(
        self,
        value: Value<'a>,
        [first, second]: [Value<'a>; 2],
        arena: &'a Bump,
    ) -> Result<Value<'a>, RuntimeError> {
        let text = |value| text_of(value, arena);
        let made = |text: String| Value::Str(arena.alloc_str(&text));
        let result = match self {
            Filter::Upcase => made(text(value).to_uppercase()),
            Filter::Downcase => made(text(value).to_lowercase()),
            Filter::Capitalize => {
                let mut chars = text(value).chars();
                let head: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
                made(head + &chars.as_str().to_lowercase())
            }
            Filter::Strip => Value::Str(js_trim(text(value))),
            Filter::Split => split(text(value), text(first), arena),
            Filter::First | Filter::Last if !value.is_array() => Value::Str(""),
            Filter::First => member(value, Value::Str("first")),
            Filter::Last => member(value, Value::Str("last")),
            Filter::Join => {
                let separator = if first.is_defined() { text(first) } else { " " };
                let mut joined = BumpString::new_in(arena);
                for (index, item) in value.items().enumerate() {
                    if index > 0 {
                        joined.push_str(separator);
                    }
                    write(item, &mut joined);
                    bounded(joined.len())?;
                }
                if value.is_array() {
                    Value::Str(joined.into_bump_str())
                } else {
                    value
                }
            }
            Filter::Default => {
                let blank = !is_truthy(value)
                    || matches!(value, Value::Str(""))
                    || (value.is_array() && value.array_len() == 0);
                if blank { first } else { value }
            }
            Filter::Plus => Value::from(number_of(value) + number_of(first)),
            Filter::Minus => Value::from(number_of(value) - number_of(first)),
            Filter::Times => Value::from(number_of(value) * number_of(first)),
            Filter::Append => made(format!("{}{}", text(value), text(first))),
            Filter::Prepend => made(format!("{}{}", text(first), text(value))),
            Filter::Replace | Filter::Remove => replaced(text(value), text(first), text(second), arena)?,
            Filter::Size => match member(value, Value::Str("size")) {
                Value::Undefined => Value::from(0.0),
                size => size,
            },
            Filter::Date => date(value, text(first), arena),
        };
        bounded(result.as_str().map_or(0, str::len))?;
        Ok(result)
    }
}

fn text_of<'a>(value: Value<'a>, arena: &'a Bump) -> &'a str {
    if let Value::Str(text) = value {
        return text;
    }
    let mut out = BumpString::new_in(arena);
    write(value, &mut out);
    out.into_bump_str()
}

fn number_of(value: Value<'_>) -> f64 {
    match value {
        Value::Number(number) => number.to_f64(),
        Value::Str(text) => js_text_to_number(text),
        Value::Bool(truth) => f64::from(u8::from(truth)),
        Value::Null => 0.0,
        _ => f64::NAN,
    }
}

/// Splits a text. As in Ruby, empty pieces at the end are dropped.
fn split<'a>(text: &'a str, separator: &str, arena: &'a Bump) -> Value<'a> {
    let mut pieces = bumpalo::collections::Vec::new_in(arena);
    if separator.is_empty() {
        pieces.extend(text.split("").filter(|piece| !piece.is_empty()).map(Value::Str));
    } else {
        pieces.extend(text.split(separator).map(Value::Str));
    }
    while matches!(pieces.last(), Some(Value::Str(""))) {
        pieces.pop();
    }
    Value::Array(pieces.into_bump_slice())
}

fn replaced<'a>(text: &'a str, from: &str, to: &str, arena: &'a Bump) -> Result<Value<'a>, RuntimeError> {
    let places = if from.is_empty() {
        text.len() + 1
    } else {
        text.matches(from).count()
    };
    bounded(text.len() + places * to.len())?;
    Ok(Value::Str(arena.alloc_str(&text.replace(from, to))))
}

/// Formats a time in UTC. Other values stay unchanged.
fn date<'a>(value: Value<'a>, format: &str, arena: &'a Bump) -> Value<'a> {
    let time = match value {
        Value::Str(text) => text.parse::<jiff::Timestamp>().ok(),
        Value::Number(number) => jiff::Timestamp::from_second(number.to_f64() as i64).ok(),
        _ => None,
    };
    let Some(time) = time else { return value };
    match jiff::fmt::strtime::format(format, time) {
        Ok(text) => Value::Str(arena.alloc_str(&text)),
        Err(_) => value,
    }
}
