//! Liquid's filters.

use super::values::{is_truthy, member, write};
use crate::mapping::error::RuntimeError;
use crate::mapping::limits::bounded;
use crate::value::{Value, js_text_to_number, js_trim};
use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

/// Evaluates a filter.
pub(super) type Filter = for<'a> fn(Call<'a>) -> Result<Value<'a>, RuntimeError>;

/// A filter's input and its arguments, undefined where they are missing.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) value: Value<'a>,
    pub(super) first: Value<'a>,
    pub(super) second: Value<'a>,
    pub(super) arena: &'a Bump,
}

impl<'a> Call<'a> {
    /// Evaluates a filter and checks the length of its result.
    pub(super) fn apply(self, filter: Filter) -> Result<Value<'a>, RuntimeError> {
        let result = filter(self)?;
        bounded(result.as_str().map_or(0, str::len))?;
        Ok(result)
    }

    fn text(self) -> &'a str {
        text_of(self.value, self.arena)
    }

    fn argument(self) -> &'a str {
        text_of(self.first, self.arena)
    }

    fn made(self, text: &str) -> Result<Value<'a>, RuntimeError> {
        Ok(Value::Str(self.arena.alloc_str(text)))
    }

    fn numbers(self) -> (f64, f64) {
        (number_of(self.value), number_of(self.first))
    }
}

/// Returns the filter of a name, if this implementation has it.
pub(super) fn named(name: &str) -> Option<Filter> {
    let filter: Filter = match name {
        "upcase" => |call| call.made(&call.text().to_uppercase()),
        "downcase" => |call| call.made(&call.text().to_lowercase()),
        "capitalize" => |call| {
            let mut chars = call.text().chars();
            let head: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
            call.made(&(head + &chars.as_str().to_lowercase()))
        },
        "strip" => |call| Ok(Value::Str(js_trim(call.text()))),
        "split" => |call| Ok(split(call.text(), call.argument(), call.arena)),
        "first" => |call| Ok(of_list(call.value, "first")),
        "last" => |call| Ok(of_list(call.value, "last")),
        "join" => join,
        "default" => |call| {
            let blank = !is_truthy(call.value)
                || matches!(call.value, Value::Str(""))
                || (call.value.is_array() && call.value.array_len() == 0);
            Ok(if blank { call.first } else { call.value })
        },
        "plus" => |call| Ok(Value::from(call.numbers().0 + call.numbers().1)),
        "minus" => |call| Ok(Value::from(call.numbers().0 - call.numbers().1)),
        "times" => |call| Ok(Value::from(call.numbers().0 * call.numbers().1)),
        "append" => |call| call.made(&format!("{}{}", call.text(), call.argument())),
        "prepend" => |call| call.made(&format!("{}{}", call.argument(), call.text())),
        "replace" | "remove" => |call| {
            replaced(
                call.text(),
                call.argument(),
                text_of(call.second, call.arena),
                call.arena,
            )
        },
        "size" => |call| match member(call.value, Value::Str("size")) {
            Value::Undefined => Ok(Value::from(0.0)),
            size => Ok(size),
        },
        "date" => |call| Ok(date(call.value, call.argument(), call.arena)),
        _ => return None,
    };
    Some(filter)
}

fn of_list<'a>(value: Value<'a>, key: &'static str) -> Value<'a> {
    if value.is_array() {
        member(value, Value::Str(key))
    } else {
        Value::Str("")
    }
}

fn join(call: Call<'_>) -> Result<Value<'_>, RuntimeError> {
    if !call.value.is_array() {
        return Ok(call.value);
    }
    let separator = if call.first.is_defined() {
        call.argument()
    } else {
        " "
    };
    let mut joined = BumpString::new_in(call.arena);
    for (index, item) in call.value.items().enumerate() {
        if index > 0 {
            joined.push_str(separator);
        }
        write(item, &mut joined);
        bounded(joined.len())?;
    }
    Ok(Value::Str(joined.into_bump_str()))
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
