//! Filters of URLs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use unicode_normalization::char::is_combining_mark;

use super::super::item::Item;
use super::call::{Call, Filtered, Named};
use super::text::with_spaces_as;
use crate::mapping::error::RuntimeError;

/// The characters that `cgi_escape` encodes.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
/// The characters that JavaScript's `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &FORM
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// The characters that `uri_escape` encodes: those of JavaScript's `encodeURI` without brackets.
const WHOLE: &AsciiSet = &COMPONENT
    .remove(b';')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b'#')
    .remove(b'[')
    .remove(b']');

pub(super) const FILTERS: &[Named] = &[
    ("url_encode", |call| {
        call.made(&encoded(call.text(), COMPONENT).replace("%20", "+"))
    }),
    ("cgi_escape", |call| {
        call.made(&encoded(call.text(), FORM).replace("%20", "+"))
    }),
    ("uri_escape", |call| call.made(&encoded(call.text(), WHOLE))),
    ("url_decode", |call| match decoded(call.text()) {
        Some(text) => call.made(&text.replace('+', " ")),
        None => Err(RuntimeError::new("url_decode: the text is not percent-encoded")),
    }),
    ("slugify", slugify),
];

fn encoded(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        let digits = digits.map(|digit| char::from(digit).to_digit(16));
        let [Some(high), Some(low)] = digits else {
            return None;
        };
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(out).ok()
}

fn slugify(call: Call<'_>) -> Filtered<'_> {
    let text = call.text();
    let mode = call.argument_or(0, crate::value::Value::Str("default"));
    let letters = |c: char| is_letter(c);
    let pretty = |c: char| is_letter(c) || "._~!$&'()+,;=@".contains(c);
    let slug = match mode.value().as_str() {
        Some("raw") => trimmed(&with_spaces_as(text, "-")),
        Some("default") => slug(text, letters),
        Some("pretty") => slug(text, pretty),
        Some("ascii") => slug(text, |c| c.is_ascii_alphanumeric()),
        Some("latin") => slug(&without_accents(text), letters),
        _ => text.to_owned(),
    };
    match call.argument(1) {
        Item::Value(value) if value.is_falsy() => call.made(&slug.to_lowercase()),
        _ => call.made(&slug),
    }
}

/// Replaces each run of other characters by a dash.
fn slug(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = false;
    for c in text.chars() {
        let kept = stays(c);
        if kept {
            out.push(c);
        } else if !before {
            out.push('-');
        }
        before = !kept;
    }
    trimmed(&out)
}

/// Removes one dash from each end.
fn trimmed(text: &str) -> String {
    let text = text.strip_prefix('-').unwrap_or(text);
    text.strip_suffix('-').unwrap_or(text).to_owned()
}

/// Returns true for letters, the marks on them, and numerals of any script.
fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Writes the letters of Western European languages without their accents.
fn without_accents(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        out.push_str(match c {
            'à'..='å' => "a",
            'æ' => "ae",
            'ç' => "c",
            'è'..='ë' => "e",
            'ì'..='ï' => "i",
            'ð' => "d",
            'ñ' => "n",
            'ò'..='ö' | 'ø' => "o",
            'ù'..='ü' => "u",
            'ý' | 'ÿ' => "y",
            'ß' => "ss",
            'œ' => "oe",
            'þ' => "th",
            'ẞ' => "SS",
            'Œ' => "OE",
            'Þ' => "TH",
            other => {
                out.push(other);
                continue;
            }
        });
    }
    out
}
