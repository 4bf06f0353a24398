//! Liquid's rules for values: truth, equality, order, members, text and numbers.

use std::cmp::Ordering;

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

use crate::value::{Value, is_js_space, js_text_to_number, utf16_len, utf16_unit};

/// A value of a template: one of the event's or a filter's, or one of the words that equal several values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    Value(Value<'a>),
    /// Equals null and absent values.
    Nil,
    /// Equals texts, lists and objects without content.
    Empty,
    /// Equals what `Empty` and `Nil` equal, blank texts and false.
    Blank,
}

impl<'a> From<Value<'a>> for Item<'a> {
    fn from(value: Value<'a>) -> Self {
        Item::Value(value)
    }
}

impl<'a> Item<'a> {
    pub(super) const UNDEFINED: Item<'static> = Item::Value(Value::Undefined);

    /// Returns the value that filters and operators see.
    pub(super) fn value(self) -> Value<'a> {
        match self {
            Item::Value(value) => value,
            Item::Nil => Value::Null,
            Item::Empty | Item::Blank => Value::Str(""),
        }
    }

    /// Returns true for everything but nil and false, so for `""` and 0 too.
    pub(super) fn is_truthy(self) -> bool {
        let value = self.value();
        !value.is_nullish() && value.as_bool() != Some(false)
    }

    /// Evaluates `==`.
    pub(super) fn equals(self, other: Item<'a>) -> bool {
        match (self, other) {
            (Item::Nil, other) => other.value().is_nullish(),
            (Item::Empty | Item::Blank, Item::Empty | Item::Blank) => false,
            (Item::Empty, other) => is_empty(other.value()),
            (Item::Blank, other) => is_blank(other.value()),
            (value, word @ (Item::Nil | Item::Empty | Item::Blank)) => word.equals(value),
            (Item::Value(left), Item::Value(right)) => same(left, right),
        }
    }

    /// Compares two values as JavaScript does: texts by their UTF-16 units, others as numbers. `None` if they have no
    /// order.
    pub(super) fn order(self, other: Item<'a>, arena: &'a Bump) -> Option<Ordering> {
        let (Item::Value(left), Item::Value(right)) = (self, other) else {
            return None;
        };
        match (primitive(left, arena), primitive(right, arena)) {
            (Value::Str(left), Value::Str(right)) => Some(left.encode_utf16().cmp(right.encode_utf16())),
            (left, right) => number(left, arena).partial_cmp(&number(right, arena)),
        }
    }

    /// Evaluates `contains`.
    pub(super) fn contains(self, other: Item<'a>, arena: &'a Bump) -> bool {
        match self.value() {
            Value::Str(text) => text.contains(js_text(other.value(), arena)),
            value => value.items().any(|item| Item::from(item).equals(other)),
        }
    }

    /// Returns the text that an output shows; the elements of a list stand without separators.
    pub(super) fn text(self, arena: &'a Bump) -> &'a str {
        match self.value() {
            Value::Str(text) => text,
            value => {
                let mut out = BumpString::new_in(arena);
                write(value, &mut out);
                out.into_bump_str()
            }
        }
    }

    /// Returns the number of JavaScript's `Number(value)`, which may be NaN.
    pub(super) fn number(self, arena: &'a Bump) -> f64 {
        number(self.value(), arena)
    }

    /// Returns what stands at a key below the value.
    pub(super) fn member(self, key: Item<'a>, arena: &'a Bump) -> Value<'a> {
        match self {
            Item::Value(value) => member(value, key.value(), arena),
            _ => Value::Undefined,
        }
    }

    /// Returns the elements of a list; of another value, that value alone; of nil, nothing.
    pub(super) fn list(self, arena: &'a Bump) -> &'a [Value<'a>] {
        match self.value() {
            Value::Undefined | Value::Null => &[],
            Value::Array(items) => items,
            value if value.is_array() => {
                bumpalo::collections::Vec::from_iter_in(value.items(), arena).into_bump_slice()
            }
            value => arena.alloc_slice_copy(&[value]),
        }
    }
}

fn is_empty(value: Value<'_>) -> bool {
    match value {
        Value::Str(text) => text.is_empty(),
        _ if value.is_array() => value.array_len() == 0,
        _ => value.is_object() && value.members().next().is_none(),
    }
}

fn is_blank(value: Value<'_>) -> bool {
    match value {
        Value::Undefined | Value::Null | Value::Bool(false) => true,
        Value::Str(text) => text.chars().all(is_js_space),
        _ => is_empty(value),
    }
}

/// Compares as JavaScript's `===`, lists by their elements. Objects never equal each other here.
fn same(left: Value<'_>, right: Value<'_>) -> bool {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => left == right,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Number(left), Value::Number(right)) => left.to_f64() == right.to_f64(),
        (Value::Undefined, Value::Undefined) | (Value::Null, Value::Null) => true,
        _ if left.is_array() && right.is_array() => {
            left.array_len() == right.array_len() && left.items().zip(right.items()).all(|(l, r)| same(l, r))
        }
        _ => false,
    }
}

fn primitive<'a>(value: Value<'a>, arena: &'a Bump) -> Value<'a> {
    match value {
        _ if value.is_array() || value.is_object() => Value::Str(js_text(value, arena)),
        _ => value,
    }
}

fn number<'a>(value: Value<'a>, arena: &'a Bump) -> f64 {
    match primitive(value, arena) {
        Value::Number(number) => number.to_f64(),
        Value::Str(text) => js_text_to_number(text),
        Value::Bool(truth) => f64::from(u8::from(truth)),
        Value::Null => 0.0,
        _ => f64::NAN,
    }
}

/// Returns what JavaScript's `String` makes of a value: `null` and `undefined` are words, elements are joined by commas.
pub(super) fn js_text<'a>(value: Value<'a>, arena: &'a Bump) -> &'a str {
    match value {
        Value::Undefined => "undefined",
        Value::Null => "null",
        Value::Str(text) => text,
        _ => {
            let mut out = BumpString::new_in(arena);
            // Writing to a string in memory cannot fail.
            let _ = value.write_text(&mut out);
            out.into_bump_str()
        }
    }
}

fn write(value: Value<'_>, out: &mut BumpString<'_>) {
    if value.is_array() {
        value.items().for_each(|item| write(item, out));
    } else {
        // Writing to a string in memory cannot fail.
        let _ = value.write_text(out);
    }
}

/// Returns a member by name or index; lists also have `first` and `last`, and everything has `size`.
fn member<'a>(value: Value<'a>, key: Value<'a>, arena: &'a Bump) -> Value<'a> {
    if value.is_nullish() {
        return value;
    }
    if value.is_array()
        && let Some(index) = key.as_f64()
    {
        let length = value.array_len() as f64;
        let index = if index < 0.0 { index + length } else { index };
        let inside = index >= 0.0 && index < length && index.fract() == 0.0;
        return match inside {
            true => value.index(index as usize),
            false => Value::Undefined,
        };
    }
    let key = js_text(key, arena);
    match (own(value, key), key) {
        (Value::Undefined, "size") => match value {
            Value::Str(text) => Value::from(utf16_len(text) as f64),
            _ if value.is_array() => Value::from(value.array_len() as f64),
            _ if value.is_object() => Value::from(value.members().count() as f64),
            _ => Value::Undefined,
        },
        (Value::Undefined, "first") => value.index(0),
        (Value::Undefined, "last") => value.index(value.array_len().wrapping_sub(1)),
        (found, _) => found,
    }
}

fn own<'a>(value: Value<'a>, key: &str) -> Value<'a> {
    let index = crate::value::array_index(key).map(|index| index as usize);
    match (value, index) {
        (Value::Str(text), Some(index)) => utf16_unit(text, index).map(Value::Str).into(),
        (Value::Str(text), None) if key == "length" => Value::from(utf16_len(text) as f64),
        (_, Some(index)) if value.is_array() => value.index(index),
        (_, None) if value.is_array() && key == "length" => Value::from(value.array_len() as f64),
        _ => value.get(key),
    }
}
