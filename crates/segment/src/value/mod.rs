//! A value of Segment's languages: event data, a mapping's constants, and results of directives.
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
pub(crate) use number::prints_as;
pub use number::{Number, js_text_to_number};
pub use path::ValuePath;
pub(crate) use path::utf16_unit;
pub use text::{is_js_space, js_trim, utf16_len};

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use signalbox_core::json::Content;
use signalbox_core::{Kind, Node};
use std::fmt;

/// A JSON value or JavaScript's `undefined`, borrowed from the event, the mapping or the arena.
// The payload begins at the second word in every variant. With a boolean in the first word, beside the tag, values were
// copied in overlapping pieces, and each copy waited for the one before (failed store forwarding): a quarter of the
// time to evaluate a mapping.
#[derive(Clone, Copy)]
#[repr(u64)]
pub enum Value<'a> {
    /// No value: the path is absent. Left out as a member of an object; `null` in JSON as an element of an array.
    Undefined,
    /// JSON `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, with its source text if it has one.
    Number(Number<'a>),
    /// A string.
    Str(&'a str),
    /// A list built by a mapping.
    Array(&'a [Value<'a>]),
    /// An object built by a mapping, in JavaScript's key order. Keys are unique.
    Object(&'a [(&'a str, Value<'a>)]),
    /// An unchanged array or object of the event. [`Value::from`] never puts a scalar here.
    Node(Node<'a>),
}

/// The seven types that Segment's languages distinguish.
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
    /// Returns the name in Segment's messages.
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

/// Prints the type only: values may be personal data and must not reach a log.
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
    /// Returns the type, the same for built and borrowed containers.
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

    /// Returns true for `Undefined` and `Null`.
    pub fn is_nullish(self) -> bool {
        matches!(self, Value::Undefined | Value::Null)
    }

    /// Returns true for anything but `Undefined`.
    pub fn is_defined(self) -> bool {
        !matches!(self, Value::Undefined)
    }

    /// Returns true for JavaScript's falsy values: undefined, null, `false`, zero, NaN and `""`.
    pub fn is_falsy(self) -> bool {
        match self {
            Value::Undefined | Value::Null | Value::Bool(false) | Value::Str("") => true,
            Value::Number(number) => number.is_falsy(),
            _ => false,
        }
    }

    /// Returns true for arrays, built or borrowed.
    pub fn is_array(self) -> bool {
        self.type_of() == Type::Array
    }

    /// Returns true for objects, built or borrowed.
    pub fn is_object(self) -> bool {
        self.type_of() == Type::Object
    }

    /// Returns the text of a string.
    pub fn as_str(self) -> Option<&'a str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value of a boolean.
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Value::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// Returns the number, with its source text.
    pub fn as_number(self) -> Option<Number<'a>> {
        match self {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the number as a double.
    pub fn as_f64(self) -> Option<f64> {
        self.as_number().map(Number::to_f64)
    }

    /// Returns an object's own member; `Undefined` if it is absent or this is not an object.
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

    /// Returns an array's element; `Undefined` beyond its end or if this is not an array.
    pub fn index(self, index: usize) -> Value<'a> {
        match self {
            Value::Array(items) => items.get(index).copied().into(),
            Value::Node(node) if node.kind() == Kind::Array => node.index(index).map(Value::from).into(),
            _ => Value::Undefined,
        }
    }

    /// Returns the number of elements of an array; 0 for everything else.
    pub fn array_len(self) -> usize {
        match self {
            Value::Array(items) => items.len(),
            Value::Node(node) if node.kind() == Kind::Array => node.len(),
            _ => 0,
        }
    }

    /// Returns the elements of an array; none for everything else.
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

    /// Returns the values of an object whose keys are numbers, in stored order: PHP writes a list with gaps so. `None` of every
    /// other value, and of the empty object.
    pub fn numbered_items(self, arena: &'a Bump) -> Option<&'a [Value<'a>]> {
        let is_number = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
        let mut items = BumpVec::new_in(arena);
        for (key, value) in self.members() {
            if !is_number(key) {
                return None;
            }
            items.push(value);
        }
        (!items.is_empty()).then(|| items.into_bump_slice())
    }

    /// Returns the members of an object in stored order without the undefined ones; none for everything else.
    pub fn members(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        self.all_members().filter(|(_, value)| value.is_defined())
    }

    /// Returns the members of an object with the undefined ones, which `@merge` needs.
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

    /// Returns the members in JavaScript's order: keys that look like array indices first, ascending.
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

/// Returns the array index that JavaScript takes a key for: decimal, no leading zero, at most 4294967294.
pub(crate) fn array_index(key: &str) -> Option<u32> {
    let bytes = key.as_bytes();
    let leading_zero = bytes.first() == Some(&b'0') && bytes.len() > 1;
    if bytes.is_empty() || bytes.len() > 10 || leading_zero || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    key.parse().ok().filter(|index| *index != u32::MAX)
}

/// Sorts members in JavaScript's order of keys: indices ascending, then the others in their present order.
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
    fn objects_with_numbers_for_keys_are_lists() {
        let arena = Bump::new();
        for (json, numbers) in [
            (r#"{"0":{},"1":{}}"#, Some(2)),
            (r#"{"7":1,"3":null}"#, Some(2)),
            (r#"{"0":{},"id":"a"}"#, None),
            (r#"{"":1}"#, None),
            ("{}", None),
            ("[1]", None),
            ("null", None),
        ] {
            let value = parse_json(json, &arena).unwrap();
            assert_eq!(value.numbered_items(&arena).map(<[_]>::len), numbers, "{json}");
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
