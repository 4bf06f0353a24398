//! Liquid's rules for values: truth, equality, members and text.

use crate::value::{Value, utf16_len};
use bumpalo::collections::String as BumpString;

/// Returns true for everything but nil and false, so for `""` and 0 too.
pub(super) fn is_truthy(value: Value<'_>) -> bool {
    !value.is_nullish() && value.as_bool() != Some(false)
}

/// Compares as Liquid does: nil equals nil, numbers compare by value.
pub(super) fn equal(left: Value<'_>, right: Value<'_>) -> bool {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => left == right,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        _ if left.is_nullish() => right.is_nullish(),
        _ => left
            .as_f64()
            .zip(right.as_f64())
            .is_some_and(|(left, right)| left == right),
    }
}

/// Returns a member by name or index; lists and texts also have `size`, `first` and `last`.
pub(super) fn member<'a>(value: Value<'a>, key: Value<'a>) -> Value<'a> {
    if let Some(index) = key.as_f64() {
        let length = value.array_len() as f64;
        let index = if index < 0.0 { index + length } else { index };
        return if index >= 0.0 && index < length {
            value.index(index as usize)
        } else {
            Value::Undefined
        };
    }
    let Some(key) = key.as_str() else {
        return Value::Undefined;
    };
    match (value.get(key), key) {
        (Value::Undefined, "size") if value.is_array() => Value::from(value.array_len() as f64),
        (Value::Undefined, "size") => value
            .as_str()
            .map(|text| Value::from(utf16_len(text) as f64))
            .into(),
        (Value::Undefined, "first") => value.index(0),
        (Value::Undefined, "last") => value.index(value.array_len().wrapping_sub(1)),
        (found, _) => found,
    }
}

/// Writes a value as text, the elements of a list without a separator.
pub(super) fn write(value: Value<'_>, out: &mut BumpString<'_>) {
    if value.is_array() {
        for item in value.items() {
            write(item, out);
        }
    } else {
        // Writing to a string in memory cannot fail.
        let _ = value.write_text(out);
    }
}
