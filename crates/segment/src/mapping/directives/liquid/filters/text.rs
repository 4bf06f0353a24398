//! Filters of texts. Lengths and places count UTF-16 units.

use super::super::item::Item;
use super::call::{Call, Filtered, Named};
use crate::mapping::error::RuntimeError;
use crate::mapping::limits::bounded;
use crate::value::{Value, is_js_space, js_trim, utf16_len};

pub(super) const FILTERS: &[Named] = &[
    ("append", |call| {
        joined(call, "append", |text, other| [text, other])
    }),
    ("prepend", |call| {
        joined(call, "prepend", |text, other| [other, text])
    }),
    ("capitalize", |call| {
        let mut chars = call.text().chars();
        let head: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
        call.made(&(head + &chars.as_str().to_lowercase()))
    }),
    ("downcase", |call| call.made(&call.text().to_lowercase())),
    ("upcase", |call| call.made(&call.text().to_uppercase())),
    ("strip", |call| Ok(stripped(call, true, true))),
    ("lstrip", |call| Ok(stripped(call, true, false))),
    ("rstrip", |call| Ok(stripped(call, false, true))),
    ("strip_newlines", |call| {
        call.made(&call.text().replace("\r\n", "").replace('\n', ""))
    }),
    ("normalize_whitespace", |call| {
        call.made(&with_spaces_as(call.text(), " "))
    }),
    ("replace", |call| replaced(call, call.text_of(0), call.text_of(1))),
    ("remove", |call| match call.text_of(0) {
        "" => call.made(call.text()),
        part => replaced(call, part, ""),
    }),
    ("replace_first", |call| {
        call.made(&call.text().replacen(call.text_of(0), call.text_of(1), 1))
    }),
    ("remove_first", |call| {
        call.made(&call.text().replacen(call.text_of(0), "", 1))
    }),
    ("replace_last", |call| replaced_last(call, call.text_of(1))),
    ("remove_last", |call| replaced_last(call, "")),
    ("split", split),
    ("truncate", truncate),
    ("truncatewords", truncate_words),
    ("number_of_words", number_of_words),
];

fn joined<'a>(call: Call<'a>, name: &str, order: fn(&'a str, &'a str) -> [&'a str; 2]) -> Filtered<'a> {
    if call.arguments.len() != 1 {
        return Err(RuntimeError::new(format!("{name} takes one argument")));
    }
    call.made(&order(call.text(), call.text_of(0)).concat())
}

/// Removes white space, or the characters of the first argument, from the ends.
fn stripped<'a>(call: Call<'a>, start: bool, end: bool) -> Item<'a> {
    let given = call.argument(0);
    let chars = match given {
        Item::Value(value) if value.is_falsy() => None,
        Item::Nil => Some(""),
        given => Some(given.text(call.arena)),
    };
    let goes = |c: char| match chars {
        Some(chars) => chars.contains(c),
        None => is_js_space(c),
    };
    let text = call.text();
    let text = if start {
        text.trim_start_matches(goes)
    } else {
        text
    };
    Value::Str(if end { text.trim_end_matches(goes) } else { text }).into()
}

/// Replaces each run of white space.
pub(super) fn with_spaces_as(text: &str, by: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = false;
    for c in text.chars() {
        let space = is_js_space(c);
        match space {
            true if !before => out.push_str(by),
            true => {}
            false => out.push(c),
        }
        before = space;
    }
    out
}

/// Replaces all occurrences. An empty part stands between all UTF-16 units.
fn replaced<'a>(call: Call<'a>, part: &str, by: &str) -> Filtered<'a> {
    let text = call.text();
    let places = match part {
        "" => utf16_len(text),
        part => text.matches(part).count(),
    };
    bounded(text.len() + places * by.len())?;
    match part {
        "" => call.made(&units(text).join(by)),
        part => call.made(&text.replace(part, by)),
    }
}

/// Returns the UTF-16 units of a text, halves of pairs as U+FFFD.
fn units(text: &str) -> Vec<String> {
    text.encode_utf16()
        .map(|unit| String::from_utf16_lossy(&[unit]))
        .collect()
}

fn replaced_last<'a>(call: Call<'a>, by: &str) -> Filtered<'a> {
    let (text, part) = (call.text(), call.text_of(0));
    match text.rfind(part) {
        Some(at) => call.made(&[&text[..at], by, &text[at + part.len()..]].concat()),
        None => call.made(text),
    }
}

/// Splits a text. As in Ruby, empty pieces at the end are dropped.
fn split(call: Call<'_>) -> Filtered<'_> {
    let (text, separator) = (call.text(), call.text_of(0));
    let mut pieces: Vec<Value<'_>> = match separator {
        "" => units(text)
            .iter()
            .map(|unit| Value::Str(call.arena.alloc_str(unit)))
            .collect(),
        separator => text.split(separator).map(Value::Str).collect(),
    };
    while matches!(pieces.last(), Some(Value::Str(""))) {
        pieces.pop();
    }
    call.made_list(pieces)
}

/// Returns a place in a text or list, as JavaScript reads it: NaN and what lies before is 0.
pub(super) fn place(number: f64) -> usize {
    // The conversion saturates, and NaN becomes 0.
    number as usize
}

/// Returns the units from one place to another.
pub(super) fn slice_units(text: &str, from: usize, to: usize) -> String {
    if text.is_ascii() {
        let to = to.min(text.len());
        return text.get(from.min(to)..to).unwrap_or_default().to_owned();
    }
    let units: Vec<u16> = text.encode_utf16().take(to).skip(from).collect();
    String::from_utf16_lossy(&units)
}

fn truncate(call: Call<'_>) -> Filtered<'_> {
    let most = call.argument_or(0, Value::from(50.0)).number(call.arena);
    let ellipsis = call.argument_or(1, Value::Str("...")).text(call.arena);
    let text = call.text();
    if utf16_len(text) as f64 <= most {
        return Ok(call.input);
    }
    let kept = place(most - utf16_len(ellipsis) as f64);
    call.made(&(slice_units(text, 0, kept) + ellipsis))
}

fn truncate_words(call: Call<'_>) -> Filtered<'_> {
    let most = call.argument_or(0, Value::from(15.0)).number(call.arena);
    let ellipsis = call.argument_or(1, Value::Str("...")).text(call.arena);
    let most = if most <= 0.0 { 1.0 } else { most };
    let spaced = with_spaces_as(call.text(), " ");
    let words: Vec<&str> = spaced.split(' ').collect();
    let mut kept = words[..place(most).min(words.len())].join(" ");
    if words.len() as f64 >= most {
        kept.push_str(ellipsis);
    }
    call.made(&kept)
}

fn number_of_words(call: Call<'_>) -> Filtered<'_> {
    let text = js_trim(call.text());
    let words = |text: &str| text.split(is_js_space).filter(|word| !word.is_empty()).count();
    let ideographs = text.chars().filter(|c| is_ideograph(*c)).count();
    let count = match call.argument(0).value().as_str() {
        _ if text.is_empty() => 0,
        Some("cjk" | "auto") if ideographs > 0 => {
            let others: String = text
                .chars()
                .map(|c| if is_ideograph(c) { ' ' } else { c })
                .collect();
            ideographs + words(&others)
        }
        _ => words(text),
    };
    Ok(Value::from(count as f64).into())
}

/// Returns true for characters of Chinese, Japanese and Korean that Liquid counts as words.
fn is_ideograph(c: char) -> bool {
    matches!(
        c,
        '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}'
    )
}
