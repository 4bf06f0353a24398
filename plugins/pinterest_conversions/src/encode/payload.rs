//! Access to the coerced payload of a mapping.

use signalbox_segment::value::{Number, Value};

use crate::action::FIELDS;

/// The members of a coerced object. It has one for each field, in the order of the field table, and the tables of
/// [`super::wire`] have the same order, which a test holds: each is the next one.
pub(super) struct Members<'a>(&'a [(&'a str, Value<'a>)]);

impl<'a> Members<'a> {
    pub(super) fn of(object: Value<'a>) -> Members<'a> {
        match object {
            Value::Object(members) => Members(members),
            _ => Members(&[]),
        }
    }

    /// The next member, which has this key.
    pub(super) fn take(&mut self, key: &str) -> Value<'a> {
        let Some(((next, value), rest)) = self.0.split_first() else {
            return Value::Undefined;
        };
        debug_assert_eq!(*next, key);
        self.0 = rest;
        *value
    }
}

/// The items of a coerced list, which the schema has built.
pub(super) fn list<'a>(value: Value<'a>) -> &'a [Value<'a>] {
    debug_assert!(!matches!(value, Value::Node(_)));
    match value {
        Value::Array(items) => items,
        _ => &[],
    }
}

/// A top-level member of a coerced payload, by its place in the field table.
macro_rules! top {
    ($payload:expr, $key:literal) => {
        match $payload {
            Value::Object(members) => members
                .get(const { $crate::encode::payload::place($key) })
                .map(|(_, value)| *value)
                .into(),
            _ => Value::Undefined,
        }
    };
}
pub(super) use top;

/// The place of a top-level field in [`FIELDS`].
pub(super) const fn place(key: &str) -> usize {
    let mut at = 0;
    // Traits are not there at compile time, so neither is `==` of texts.
    while !same(FIELDS[at].key.as_bytes(), key.as_bytes()) {
        at += 1;
    }
    at
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// A number that is whole and fits.
pub(super) fn whole(value: Value<'_>) -> Option<i64> {
    /// Doubles are exact up to here.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = value.as_number()?;
    if let Number::Source(text) = number
        && let Ok(whole) = text.parse()
    {
        return Some(whole);
    }
    let double = number.to_f64();
    (double.fract() == 0.0 && double.abs() <= EXACT).then_some(double as i64)
}
