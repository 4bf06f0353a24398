//! Writes values as compact JSON, and reads strict JSON into the arena.

use super::{Number, Value, order_keys};
use bumpalo::Bump;
use signalbox_core::json::write_json_string;
use signalbox_core::{Document, Kind, Node};

/// The spelling of written numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// ECMAScript's spelling, as Segment writes: `1.0` is `1`, and whole numbers over 2^53 lose digits.
    JavaScript,
    /// The spelling in the source, which keeps long ids whole.
    Source,
}

impl Value<'_> {
    /// Appends compact JSON. Absent members are left out, absent elements and unrepresentable numbers are `null`.
    pub fn write_json(self, out: &mut Vec<u8>, numbers: Numbers) {
        match self {
            Value::Undefined | Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Number(number) => write_number(number, out, numbers),
            Value::Str(text) => write_json_string(text, out),
            // Built containers make up most of a payload, so they are walked without the accessors.
            Value::Array(items) => write_items(items.iter().copied(), out, numbers),
            Value::Object(members) => {
                let members = members.iter().copied().filter(|(_, value)| value.is_defined());
                write_members(members, out, numbers);
            }
            _ if self.is_array() => write_items(self.items(), out, numbers),
            _ => write_members(self.members(), out, numbers),
        }
    }

    /// Converts the value to a tree of `serde_json`, numbers as JavaScript prints them. For tests and tools, not for
    /// the hot path.
    pub fn to_json(self) -> serde_json::Value {
        let mut text = Vec::new();
        self.write_json(&mut text, Numbers::JavaScript);
        serde_json::from_slice(&text).unwrap_or(serde_json::Value::Null)
    }
}

fn write_items<'a>(items: impl Iterator<Item = Value<'a>>, out: &mut Vec<u8>, numbers: Numbers) {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item.write_json(out, numbers);
    }
    out.push(b']');
}

fn write_members<'a>(
    members: impl Iterator<Item = (&'a str, Value<'a>)>,
    out: &mut Vec<u8>,
    numbers: Numbers,
) {
    out.push(b'{');
    for (index, (key, value)) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_json_string(key, out);
        out.push(b':');
        value.write_json(out, numbers);
    }
    out.push(b'}');
}

fn write_number(number: Number<'_>, out: &mut Vec<u8>, numbers: Numbers) {
    match number {
        Number::Source(text) if numbers == Numbers::Source => out.extend_from_slice(text.as_bytes()),
        _ if number.to_f64().is_finite() => {
            number.with_js_text(|text| out.extend_from_slice(text.as_bytes()))
        }
        _ => out.extend_from_slice(b"null"),
    }
}

/// Reads strict JSON into the arena; `None` if it is not JSON or nests deeper than events may.
///
/// The last of equal keys wins, as in JavaScript.
pub fn parse_json<'a>(text: &str, arena: &'a Bump) -> Option<Value<'a>> {
    let document = Document::parse(text).ok()?;
    Some(copied(document.root(), arena))
}

/// Copies a node and its descendants; the document bounds the depth.
fn copied<'a>(node: Node<'_>, arena: &'a Bump) -> Value<'a> {
    match Value::from(node) {
        Value::Number(number) => Value::Number(match number {
            Number::Source(text) => Number::Source(arena.alloc_str(text)),
            Number::Double(double) => Number::Double(double),
        }),
        Value::Str(text) => Value::Str(arena.alloc_str(text)),
        Value::Null | Value::Undefined => Value::Null,
        Value::Bool(truth) => Value::Bool(truth),
        _ if node.kind() == Kind::Array => {
            let mut items = bumpalo::collections::Vec::with_capacity_in(node.len(), arena);
            items.extend(node.items().map(|item| copied(item, arena)));
            Value::Array(items.into_bump_slice())
        }
        _ => {
            let mut members = bumpalo::collections::Vec::with_capacity_in(node.len(), arena);
            members.extend(
                node.members()
                    .map(|(key, member)| (&*arena.alloc_str(key), copied(member, arena))),
            );
            Value::Object(unique_members(members))
        }
    }
}

/// Orders members as JavaScript does and keeps the last value of each key.
pub(crate) fn unique_members<'a>(
    mut members: bumpalo::collections::Vec<'a, (&'a str, Value<'a>)>,
) -> &'a [(&'a str, Value<'a>)] {
    remove_duplicates(&mut members);
    order_keys(&mut members, |(key, _)| key);
    members.into_bump_slice()
}

/// Takes linear time: above a handful of members it looks keys up in a map.
fn remove_duplicates<'a>(members: &mut bumpalo::collections::Vec<'a, (&'a str, Value<'a>)>) {
    if members.len() <= 8 {
        let mut kept = 0;
        for next in 0..members.len() {
            let (key, value) = members[next];
            match members[..kept].iter().position(|(earlier, _)| *earlier == key) {
                Some(place) => members[place].1 = value,
                None => {
                    members[kept] = (key, value);
                    kept += 1;
                }
            }
        }
        members.truncate(kept);
        return;
    }
    let mut places = std::collections::HashMap::with_capacity(members.len());
    let mut kept = 0;
    for next in 0..members.len() {
        let (key, value) = members[next];
        let place = *places.entry(key).or_insert(kept);
        members[place] = (key, value);
        if place == kept {
            kept += 1;
        }
    }
    members.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> Option<String> {
        let arena = Bump::new();
        let value = parse_json(text, &arena)?;
        let mut out = Vec::new();
        value.write_json(&mut out, Numbers::Source);
        String::from_utf8(out).ok()
    }

    #[test]
    fn the_last_of_equal_keys_wins_at_the_place_of_the_first() {
        assert_eq!(
            round(r#"{"a":1,"b":2,"a":3}"#).as_deref(),
            Some(r#"{"a":3,"b":2}"#)
        );
        let many = r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"a":2,"7":1}"#;
        let expected = r#"{"7":1,"a":2,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}"#;
        assert_eq!(round(many).as_deref(), Some(expected));
    }

    #[test]
    fn long_ids_stay_whole() {
        assert_eq!(
            round("[12345678901234567890]").as_deref(),
            Some("[12345678901234567890]")
        );
        assert_eq!(round("[1.0,-0,1e400]").as_deref(), Some("[1.0,-0,1e400]"));
    }

    #[test]
    fn what_is_not_json_is_none() {
        for text in ["{bad", "[1,]", "NaN", "01", "", "1 2"] {
            assert_eq!(round(text), None, "{text}");
        }
        assert_eq!(round(&"[".repeat(100_000)), None);
    }

    #[test]
    fn only_what_json_demands_is_escaped() {
        let mut out = Vec::new();
        write_json_string("\"\\/\u{8}\u{c}\n\r\t\u{b}\u{7f}\u{2028}é", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u000b\u{7f}\u{2028}é\""
        );
    }
}
