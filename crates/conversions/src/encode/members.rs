//! Access to the coerced payload of a mapping.

use signalbox_segment::schema::Field;
use signalbox_segment::value::{Number, Value};

/// The members of a coerced object. It has one for each field, in the order of the field table, which is the order of the
/// request as well: each member is the next one.
#[derive(Debug)]
pub struct Members<'a>(&'a [(&'a str, Value<'a>)]);

impl<'a> Members<'a> {
    /// Returns the members of an object; none of any other value.
    #[inline]
    pub fn of(object: Value<'a>) -> Members<'a> {
        match object {
            Value::Object(members) => Members(members),
            _ => Members(&[]),
        }
    }

    /// Takes the next member, which has this key.
    #[inline]
    pub fn take(&mut self, key: &str) -> Value<'a> {
        let Some(((next, value), rest)) = self.0.split_first() else {
            return Value::Undefined;
        };
        debug_assert_eq!(*next, key);
        self.0 = rest;
        *value
    }
}

/// Returns the items of a coerced list, which the schema has built.
#[inline]
pub fn list<'a>(value: Value<'a>) -> &'a [Value<'a>] {
    debug_assert!(!matches!(value, Value::Node(_)));
    match value {
        Value::Array(items) => items,
        _ => &[],
    }
}

/// Returns the member of a coerced payload at a place of the field table ([`place`]).
#[inline]
pub fn member_at<'a>(payload: Value<'a>, place: usize) -> Value<'a> {
    match payload {
        Value::Object(members) => members.get(place).map(|(_, value)| *value).into(),
        _ => Value::Undefined,
    }
}

/// Returns the place of a field in its table, for constants. The compiler refuses a key that the table does not have.
pub const fn place(fields: &[Field<'_>], key: &str) -> usize {
    let mut at = 0;
    while !is_prefix(fields[at].key, key, key.len()) {
        at += 1;
    }
    at
}

/// The place of a field that its table does not have; no payload has a member there.
pub const NO_PLACE: usize = usize::MAX;

/// Returns the place of a field in its table, or [`NO_PLACE`], for constants.
pub const fn place_if_any(fields: &[Field<'_>], key: &str) -> usize {
    let mut at = 0;
    while at < fields.len() {
        if is_prefix(fields[at].key, key, key.len()) {
            return at;
        }
        at += 1;
    }
    NO_PLACE
}

/// Returns true if `text` is the first `len` bytes of `other`. Traits are not there at compile time, so neither is `==` of
/// texts.
pub(crate) const fn is_prefix(text: &str, other: &str, len: usize) -> bool {
    let (text, other) = (text.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < len && at < text.len() && text[at] == other[at] {
        at += 1;
    }
    at == len && at == text.len()
}

/// Returns a number as an integer, if it is one and fits.
#[inline]
pub fn whole(value: Value<'_>) -> Option<i64> {
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
