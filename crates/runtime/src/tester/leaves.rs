//! The values of a JSON document one by one, and documents without some of them.

use std::borrow::Cow;

use signalbox_core::json::Content;
use signalbox_core::{Document, Event, Node};

/// A value that is no list and no object, or an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Its path, such as `properties.products[0].sku`.
    pub(super) path: String,
    /// Its text: a text without quotes, everything else as JSON.
    pub(super) text: String,
    /// True for a text.
    pub(super) is_text: bool,
}

/// Returns the leaves in the order of the document.
pub(super) fn leaves(root: Node<'_>) -> Vec<Leaf> {
    let mut found = Vec::new();
    collect(root, &mut String::new(), &mut found);
    found
}

/// Parses a record; `None` if it is no JSON.
pub(super) fn of_record(bytes: &[u8]) -> Option<Vec<Leaf>> {
    let document = Document::parse(std::str::from_utf8(bytes).ok()?).ok()?;
    Some(leaves(document.root()))
}

fn collect(node: Node<'_>, path: &mut String, found: &mut Vec<Leaf>) {
    let content = node.content();
    if matches!(content, Content::Array | Content::Object) && !node.is_empty() {
        let length = path.len();
        let is_object = matches!(content, Content::Object);
        for (index, child) in node.children().enumerate() {
            if !is_object {
                path.push_str(&format!("[{index}]"));
            } else {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(child.key());
            }
            collect(child, path, found);
            path.truncate(length);
        }
        return;
    }
    found.push(Leaf {
        path: path.clone(),
        text: text_of(content).into_owned(),
        is_text: matches!(content, Content::String(_)),
    });
}

/// Returns the text of a leaf.
pub(super) fn text_of(content: Content<'_>) -> Cow<'_, str> {
    match content {
        Content::Null => "null".into(),
        Content::Bool(true) => "true".into(),
        Content::Bool(false) => "false".into(),
        Content::Number(text) | Content::String(text) => text.into(),
        Content::Array => "[]".into(),
        Content::Object => "{}".into(),
    }
}

/// Returns the event without one leaf, by its number in the order of [`leaves`]. An item of a list becomes null, so that the
/// others keep their places.
pub(super) fn without(event: &Event, number: usize) -> Option<Event> {
    edited(event, number, |_| Keep::Nothing)
}

/// Returns the event with another value in the place of one leaf: another last digit, another truth, or a longer text.
pub(super) fn altered(event: &Event, number: usize) -> Option<Event> {
    edited(event, number, |leaf| match leaf {
        Content::Bool(truth) => Keep::Json((!truth).to_string()),
        Content::Number(text) => Keep::Json(other_digit(text).unwrap_or_default()),
        Content::String(text) => {
            let other = other_digit(text).unwrap_or_else(|| format!("{text}x"));
            Keep::Json(serde_json::Value::from(other).to_string())
        }
        Content::Null | Content::Array | Content::Object => Keep::Same,
    })
}

/// Returns the text with another last digit; `None` if it has no digit.
fn other_digit(text: &str) -> Option<String> {
    let at = text.rfind(|c: char| c.is_ascii_digit())?;
    let digit = text.as_bytes().get(at)?;
    let other = if *digit == b'9' {
        '8'
    } else {
        char::from(digit + 1)
    };
    Some(format!("{}{other}{}", &text[..at], &text[at + 1..]))
}

fn edited(event: &Event, number: usize, edit: impl Fn(Content<'_>) -> Keep) -> Option<Event> {
    let mut one = One {
        number,
        next: 0,
        edit,
    };
    let text = rewrite(event.root(), &mut one);
    let mut event = event.clone();
    *event.document_mut() = Document::parse(&text).ok()?;
    Some(event)
}

/// Edits the leaf of one number.
struct One<E> {
    number: usize,
    next: usize,
    edit: E,
}

impl<E: Fn(Content<'_>) -> Keep> Edit for One<E> {
    fn leaf(&mut self, leaf: Content<'_>) -> Keep {
        let number = self.next;
        self.next += 1;
        match number == self.number {
            true => (self.edit)(leaf),
            false => Keep::Same,
        }
    }
}

/// Decides on the parts of a document that is written anew.
pub(super) trait Edit {
    /// Decides on a leaf.
    fn leaf(&mut self, leaf: Content<'_>) -> Keep;

    /// Returns the key to write. Default: the same.
    fn key<'k>(&self, key: &'k str) -> &'k str {
        key
    }
}

/// The decision about a leaf.
pub(super) enum Keep {
    /// The leaf stays.
    Same,
    /// The leaf is left out; an item of a list becomes null.
    Nothing,
    /// The JSON takes the leaf's place.
    Json(String),
}

/// Writes a document anew.
pub(super) fn rewrite(root: Node<'_>, edit: &mut impl Edit) -> String {
    let mut out = String::new();
    write(root, edit, &mut out);
    out
}

/// Writes a value. Returns false, and writes nothing, if the edit leaves it out.
fn write(node: Node<'_>, edit: &mut impl Edit, out: &mut String) -> bool {
    let content = node.content();
    let (open, close) = match content {
        Content::Array if !node.is_empty() => ('[', ']'),
        Content::Object if !node.is_empty() => ('{', '}'),
        _ => {
            match edit.leaf(content) {
                Keep::Nothing => return false,
                Keep::Json(json) => out.push_str(&json),
                Keep::Same => match content {
                    Content::String(text) => quote(text, out),
                    other => out.push_str(&text_of(other)),
                },
            }
            return true;
        }
    };
    out.push(open);
    let mut is_first = true;
    for child in node.children() {
        let before = out.len();
        if !is_first {
            out.push(',');
        }
        if open == '{' {
            quote(edit.key(child.key()), out);
            out.push(':');
        }
        if write(child, edit, out) {
            is_first = false;
        } else if open == '[' {
            out.push_str("null");
            is_first = false;
        } else {
            out.truncate(before);
        }
    }
    out.push(close);
    true
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_core::Receipt;

    const EVENT: &str =
        r#"{"a":{"b":1.50,"c":"x\"y"},"l":[{"s":1,"t":null},[],"é"],"e":{},"n":12345678901234567890}"#;

    fn event(text: &str) -> Event {
        let receipt = Receipt {
            source: "web".into(),
            received_at: 1,
        };
        Event::parse(text, receipt).unwrap()
    }

    #[test]
    fn leaves_have_paths_and_texts() {
        let event = event(EVENT);
        let found = leaves(event.root());
        let shown: Vec<_> = found
            .iter()
            .map(|leaf| format!("{}={}", leaf.path, leaf.text))
            .collect();
        assert_eq!(
            shown,
            [
                "a.b=1.50",
                "a.c=x\"y",
                "l[0].s=1",
                "l[0].t=null",
                "l[1]=[]",
                "l[2]=é",
                "e={}",
                "n=12345678901234567890"
            ]
        );
        let texts = found.iter().filter(|leaf| leaf.is_text).count();
        assert_eq!(texts, 2);
    }

    #[test]
    fn every_leaf_can_be_taken_out_or_altered_alone() {
        let event = event(EVENT);
        let all = leaves(event.root());
        let others = |event: &Event, but: usize| -> Vec<Leaf> {
            let leaves = leaves(event.root()).into_iter();
            leaves.filter(|leaf| leaf.path != all[but].path).collect()
        };
        for number in 0..all.len() {
            let (less, other) = (without(&event, number).unwrap(), altered(&event, number).unwrap());
            assert_eq!(
                others(&less, number),
                others(&event, number),
                "{}",
                all[number].path
            );
            assert_eq!(
                others(&other, number),
                others(&event, number),
                "{}",
                all[number].path
            );
            assert!(
                !leaves(less.root()).contains(&all[number]),
                "{}",
                all[number].path
            );
            let can_change = !["null", "[]", "{}"].contains(&&*all[number].text);
            assert_eq!(leaves(other.root()) != all, can_change, "{}", all[number].path);
        }
    }

    #[test]
    fn an_altered_value_is_of_the_same_kind() {
        for (text, other) in [
            (r#"{"a":1.9}"#, r#"{"a":1.8}"#),
            (
                r#"{"a":"2026-03-02T09:02:02Z"}"#,
                r#"{"a":"2026-03-02T09:02:03Z"}"#,
            ),
            (r#"{"a":"ivy@example.com"}"#, r#"{"a":"ivy@example.comx"}"#),
            (r#"{"a":true}"#, r#"{"a":false}"#),
            (r#"{"a":"é9é"}"#, r#"{"a":"é8é"}"#),
            (r#"{"a":""}"#, r#"{"a":"x"}"#),
        ] {
            assert_eq!(altered(&event(text), 0).unwrap().to_json(), other);
        }
    }
}
