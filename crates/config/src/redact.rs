//! Removes values of the file from messages of other code.

use super::tree::{TomlNode, TomlValue};

/// Least length of a replaced value: replacing `a` or `12` would spoil the sentence and protect nothing.
const SHORTEST: usize = 3;

/// Replaces every scalar under `node` by `…` in `message`, wherever it stands as a whole word.
///
/// A plugin's conversion (`parse().map_err(custom)`) may repeat its input. It should not, but a token in the wrong place
/// must stay secret all the same.
pub(crate) fn redact(message: &str, node: &TomlNode) -> String {
    let mut values = Vec::new();
    collect(node, &mut values);
    // The longest first, so that a value within another leaves no remainder.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values
        .iter()
        .fold(message.to_owned(), |message, value| replace_word(&message, value))
}

fn collect(node: &TomlNode, values: &mut Vec<String>) {
    match &node.value {
        TomlValue::Text(text) => {
            values.push(text.text.clone());
            values.push(text.text.escape_debug().to_string());
        }
        TomlValue::Date(text) => values.push(text.clone()),
        TomlValue::Integer(number) => values.push(number.to_string()),
        TomlValue::Float(number) => values.push(number.to_string()),
        TomlValue::Bool(_) => {}
        TomlValue::List(items) => items.iter().for_each(|item| collect(item, values)),
        // The name of a plugin is no secret, and its messages may contain it.
        TomlValue::Table(entries) => entries
            .iter()
            .filter(|entry| entry.key != "type")
            .for_each(|entry| collect(&entry.node, values)),
    }
    values.retain(|value| value.len() >= SHORTEST);
}

fn replace_word(message: &str, value: &str) -> String {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(found) = rest.find(value) {
        let (before, tail) = rest.split_at(found);
        let (hit, after) = tail.split_at(value.len());
        let inside = before
            .chars()
            .next_back()
            .or_else(|| out.chars().next_back())
            .is_some_and(part_of_word)
            && hit.starts_with(part_of_word)
            || hit.ends_with(part_of_word) && after.starts_with(part_of_word);
        out.push_str(before);
        out.push_str(if inside { hit } else { "…" });
        rest = after;
    }
    out.push_str(rest);
    out
}
