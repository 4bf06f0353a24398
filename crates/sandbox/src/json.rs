//! Reading JSON without losing how it was written: values stay slices of the request's text, so that `1` and
//! `1.0` differ, great integers keep their digits, and an accepted event can be captured byte for byte.
//!
//! Each step reads one level and lets serde_json skip the levels below, which does not recurse: depth costs nothing, and
//! each byte is read once for each of the four levels of an event.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in the order written, duplicates included.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// The JSON types, integers apart from other numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    /// The type of a value, seen from its text.
    pub(crate) fn of(raw: &RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::String,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Null,
            _ if text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) => Self::Integer,
            _ => Self::Number,
        }
    }

    /// Its name in JSON Schema.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// A value on one line. White space between tokens that breaks the line is dropped; a line break cannot
/// stand inside a JSON string, so nothing else changes.
pub(crate) fn one_line(raw: &str) -> Cow<'_, str> {
    if raw.contains(['\n', '\r']) {
        Cow::Owned(raw.chars().filter(|c| !matches!(c, '\n' | '\r')).collect())
    } else {
        Cow::Borrowed(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Type {
        Type::of(serde_json::from_str::<&RawValue>(text).unwrap())
    }

    #[test]
    fn types_come_from_the_text() {
        assert_eq!(kind("12345678901234567890123"), Type::Integer);
        assert_eq!(kind("-0"), Type::Integer);
        assert_eq!(kind("1.0"), Type::Number);
        assert_eq!(kind("1e3"), Type::Number);
        assert_eq!(kind("null"), Type::Null);
        assert_eq!(kind(" true "), Type::Boolean);
        assert_eq!(kind("[1]"), Type::Array);
        assert_eq!(kind("{}"), Type::Object);
        assert_eq!(kind("\"1\""), Type::String);
    }

    #[test]
    fn members_keep_order_and_duplicates() {
        let Members(members) = serde_json::from_str(r#"{"b":1.0,"a":[ 2 ],"b":{}}"#).unwrap();
        let seen: Vec<(&str, &str)> = members
            .iter()
            .map(|(name, raw)| (name.as_str(), raw.get()))
            .collect();
        assert_eq!(seen, [("b", "1.0"), ("a", "[ 2 ]"), ("b", "{}")]);
    }

    #[test]
    fn deep_nesting_is_only_skipped() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let Members(members) = serde_json::from_str(&deep).unwrap();
        assert_eq!(members.len(), 1);
    }

    #[test]
    fn only_line_breaks_go() {
        assert_eq!(one_line("{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(one_line("{\r\n  \"a\": \"x\\ny\"\n}"), "{  \"a\": \"x\\ny\"}");
    }
}
