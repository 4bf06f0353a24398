//! One value of Segment's languages: an event's own data, a mapping's constants and what directives make of them.
//!
//! A [`Value`] is `Copy` and owns nothing. Built arrays and objects live in a bump arena which is reset after each
//! event; parts of the event are passed through as [`Node`]s without copying. Accessors hide the difference.
//!
//! ```
//! use bumpalo::Bump;
//! use signalbox_segment::value::{Numbers, Value};
//!
//! let arena = Bump::new();
//! let list = Value::Array(arena.alloc_slice_copy(&[Value::Bool(true), Value::Undefined]));
//! let object = Value::Object(arena.alloc_slice_copy(&[("a", list), ("b", Value::Undefined)]));
//! let mut text = Vec::new();
//! object.write_json(&mut text, Numbers::Source);
//! assert_eq!(text, br#"{"a":[true,null]}"#);
//! ```

mod display;
mod json;
mod number;
mod path;
mod text;

pub(crate) use json::unique_members;
pub use json::{Numbers, parse_json};
pub use number::{Number, js_text_to_number};
pub use path::Path;
pub(crate) use path::utf16_unit;
pub use text::{is_js_space, js_trim, utf16_len};

use bumpalo::Bump;
use signalbox_core::json::Content;
use signalbox_core::{Kind, Node};
use std::fmt;

/// A JSON value or nothing at all (JavaScript's `undefined`), borrowed from the event, the mapping or the arena.
// Everything a value holds begins at its second word. With a truth value in the first one, beside the tag, values were
// copied in pieces that overlap, and each copy waited for the one before: a quarter of the time to evaluate a mapping.
#[derive(Clone, Copy)]
#[repr(u64)]
pub enum Value<'a> {
    /// No value: the path led nowhere. As an object member it does not exist, as an array element it is `null` in JSON.
    Undefined,
    /// JSON `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, with its source text where it has one.
    Number(Number<'a>),
    /// A string.
    Str(&'a str),
    /// A list built by a mapping.
    Array(&'a [Value<'a>]),
    /// An object built by a mapping, in JavaScript's key order. Keys are unique.
    Object(&'a [(&'a str, Value<'a>)]),
    /// An array or object of the event itself, untouched. [`Value::from`] never puts a scalar here.
    Node(Node<'a>),
}

/// The seven types Segment's languages tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Absent.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// Any number.
    Number,
    /// Text.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl Type {
    /// The name Segment's messages use.
    pub fn name(self) -> &'static str {
        match self {
            Type::Undefined => "undefined",
            Type::Null => "null",
            Type::Boolean => "boolean",
            Type::Number => "number",
            Type::String => "string",
            Type::Array => "array",
            Type::Object => "object",
        }
    }
}

/// The type alone: values may be personal data and must not reach a log.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.type_of().name())
    }
}

impl<'a> From<Node<'a>> for Value<'a> {
    #[inline(always)]
    fn from(node: Node<'a>) -> Self {
        match node.content() {
            Content::Null => Value::Null,
            Content::Bool(truth) => Value::Bool(truth),
            Content::Number(text) => Value::Number(Number::Source(text)),
            Content::String(text) => Value::Str(text),
            Content::Array | Content::Object => Value::Node(node),
        }
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Value::Number(Number::Double(number))
    }
}

impl<'a> From<Option<Value<'a>>> for Value<'a> {
    fn from(value: Option<Value<'a>>) -> Self {
        value.unwrap_or(Value::Undefined)
    }
}

impl<'a> Value<'a> {
    /// The type, the same for built and borrowed containers.
    pub fn type_of(self) -> Type {
        match self {
            Value::Undefined => Type::Undefined,
            Value::Null => Type::Null,
            Value::Bool(_) => Type::Boolean,
            Value::Number(_) => Type::Number,
            Value::Str(_) => Type::String,
            Value::Array(_) => Type::Array,
            Value::Object(_) => Type::Object,
            Value::Node(node) if node.kind() == Kind::Array => Type::Array,
            Value::Node(_) => Type::Object,
        }
    }

    /// True for `Undefined` and `Null`.
    pub fn is_nullish(self) -> bool {
        matches!(self, Value::Undefined | Value::Null)
    }

    /// True unless absent.
    pub fn is_defined(self) -> bool {
        !matches!(self, Value::Undefined)
    }

    /// JavaScript's falsy values: undefined, null, `false`, zero, NaN and `""`.
    pub fn is_falsy(self) -> bool {
        match self {
            Value::Undefined | Value::Null | Value::Bool(false) | Value::Str("") => true,
            Value::Number(number) => number.is_falsy(),
            _ => false,
        }
    }

    /// True for arrays, built or borrowed.
    pub fn is_array(self) -> bool {
        self.type_of() == Type::Array
    }

    /// True for objects, built or borrowed.
    pub fn is_object(self) -> bool {
        self.type_of() == Type::Object
    }

    /// The text of a string.
    pub fn as_str(self) -> Option<&'a str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value of a boolean.
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Value::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// The number, with its source text.
    pub fn as_number(self) -> Option<Number<'a>> {
        match self {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The number as a double.
    pub fn as_f64(self) -> Option<f64> {
        self.as_number().map(Number::to_f64)
    }

    /// An object's own member; `Undefined` when it is not there or this is no object.
    pub fn get(self, key: &str) -> Value<'a> {
        match self {
            Value::Object(members) => members
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| *value)
                .into(),
            Value::Node(node) if node.kind() == Kind::Object => node.get(key).map(Value::from).into(),
            _ => Value::Undefined,
        }
    }

    /// An array's element; `Undefined` beyond its end or when this is no array.
    pub fn index(self, index: usize) -> Value<'a> {
        match self {
            Value::Array(items) => items.get(index).copied().into(),
            Value::Node(node) if node.kind() == Kind::Array => node.index(index).map(Value::from).into(),
            _ => Value::Undefined,
        }
    }

    /// The number of elements of an array; 0 for everything else.
    pub fn array_len(self) -> usize {
        match self {
            Value::Array(items) => items.len(),
            Value::Node(node) if node.kind() == Kind::Array => node.len(),
            _ => 0,
        }
    }

    /// The elements of an array; nothing for everything else.
    pub fn items(self) -> impl Iterator<Item = Value<'a>> {
        let (built, node): (&'a [Value<'a>], _) = match self {
            Value::Array(items) => (items, None),
            Value::Node(node) if node.kind() == Kind::Array => (&[], Some(node)),
            _ => (&[], None),
        };
        built
            .iter()
            .copied()
            .chain(node.into_iter().flat_map(|node| node.items().map(Value::from)))
    }

    /// The members of an object in stored order, absent ones left out; nothing for everything else.
    pub fn members(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        self.all_members().filter(|(_, value)| value.is_defined())
    }

    /// The members of an object, those that are `Undefined` included: `@merge` must see them.
    pub(crate) fn all_members(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        let (built, node): (&'a [(&'a str, Value<'a>)], _) = match self {
            Value::Object(members) => (members, None),
            Value::Node(node) if node.kind() == Kind::Object => (&[], Some(node)),
            _ => (&[], None),
        };
        let nodes = node
            .into_iter()
            .flat_map(|node| node.members().map(|(key, node)| (key, Value::from(node))));
        built.iter().copied().chain(nodes)
    }

    /// The members in the order JavaScript lists them: keys that look like array indices first, ascending.
    pub(crate) fn ordered_members(self, arena: &'a Bump) -> &'a [(&'a str, Value<'a>)] {
        if let Value::Object(members) = self {
            return members;
        }
        let mut members = bumpalo::collections::Vec::new_in(arena);
        members.extend(self.all_members());
        order_keys(&mut members, |(key, _)| key);
        members.into_bump_slice()
    }
}

/// The index a key stands for in JavaScript: decimal, no leading zero, at most 4294967294.
pub(crate) fn array_index(key: &str) -> Option<u32> {
    let bytes = key.as_bytes();
    let leading_zero = bytes.first() == Some(&b'0') && bytes.len() > 1;
    if bytes.is_empty() || bytes.len() > 10 || leading_zero || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    key.parse().ok().filter(|index| *index != u32::MAX)
}

/// Sorts members as JavaScript lists an object's keys: indices ascending, then the others as they came.
pub(crate) fn order_keys<T>(members: &mut [T], key: impl Fn(&T) -> &str) {
    if members.iter().any(|member| array_index(key(member)).is_some()) {
        members.sort_by_key(|member| array_index(key(member)).map_or(u64::MAX, u64::from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_index_is_what_javascript_takes_for_one() {
        assert_eq!(array_index("0"), Some(0));
        assert_eq!(array_index("4294967294"), Some(4_294_967_294));
        for key in ["", "00", "01", "4294967295", "-1", "1.0", "a", "99999999999"] {
            assert_eq!(array_index(key), None, "{key}");
        }
    }

    #[test]
    fn index_keys_come_first() {
        let mut keys = ["b", "10", "a", "9"];
        order_keys(&mut keys, |key| key);
        assert_eq!(keys, ["9", "10", "b", "a"]);
    }

    #[test]
    fn debug_shows_the_type_and_never_the_value() {
        assert_eq!(format!("{:?}", Value::Str("jane@example.com")), "Value(string)");
    }
}
