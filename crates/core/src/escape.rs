//! Escapes text from outside before a terminal shows it.
//!
//! A terminal executes control characters, and bidirectional ones change the order in which text is read: an event
//! could move the cursor, change the title of the window, or hide the text beside it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns true for characters that a terminal may execute: C0 (tab and newline included), DEL, C1, and any that
/// changes the direction of text.
pub(crate) fn is_obeyed(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns one line of text for people; characters that a terminal would execute are written as `\n`, `\t` or `\u{1b}`.
pub fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, is_obeyed)
}

/// Returns several lines of text for people, escaped as by [`plain`]; newlines stay.
pub fn plain_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character != '\n' && is_obeyed(character))
}

/// The colours and weights of log lines, without the ESC before them. None of them hides text.
const COLOURS: [&str; 9] = ["[0m", "[1m", "[2m", "[3m", "[31m", "[32m", "[33m", "[34m", "[35m"];

/// Returns text with colours, escaped as by [`plain_lines`]; colours and newlines stay.
pub fn plain_coloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (number, part) in text.split('\u{1b}').enumerate() {
        if number > 0 {
            let is_colour = COLOURS.iter().any(|colour| part.starts_with(colour));
            out.push_str(if is_colour { "\u{1b}" } else { "\\u{1b}" });
        }
        out.push_str(&plain_lines(part));
    }
    out
}

fn escaped(text: &str, needs: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&needs) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if needs(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Returns a text as a cell of CSV (RFC 4180), escaped as by [`plain`]. A text that a spreadsheet would calculate gets an
/// apostrophe before it.
pub fn csv_cell(text: &str) -> String {
    let text = plain(text);
    let text = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.into_owned(),
    };
    if text.contains(['"', ',', '\n', '\r', '\'']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Returns JSON with the same meaning, of which a terminal executes nothing. Newlines between values stay; strings in
/// JSON contain none of the first 32 characters anyway.
pub fn plain_json(json: &str) -> Cow<'_, str> {
    let needs = |character: char| is_obeyed(character) && character >= '\u{7f}';
    if !json.chars().any(needs) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if needs(character) {
            // All of them are in the first plane. Writing to a string cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(plain("order 66: é, 漢, 🛒"), "order 66: é, 漢, 🛒");
        assert_eq!(
            plain("a\u{1b}]0;title\u{7}\r\n\t\u{9b}31m\u{202e}b\u{2066}\u{200f}\u{61c}\u{7f}"),
            "a\\u{1b}]0;title\\u{7}\\r\\n\\t\\u{9b}31m\\u{202e}b\\u{2066}\\u{200f}\\u{61c}\\u{7f}"
        );
        assert_eq!(plain_lines("a\nb\u{1b}\nc"), "a\nb\\u{1b}\nc");
        assert!(matches!(plain_lines("a\nb"), Cow::Borrowed(_)));
        assert_eq!(
            plain_coloured("\u{1b}[32ma\u{1b}[0m\r\u{9b}31m\u{1b}[8m\u{1b}]0;\u{1b}\n"),
            "\u{1b}[32ma\u{1b}[0m\\r\\u{9b}31m\\u{1b}[8m\\u{1b}]0;\\u{1b}\n"
        );
    }

    #[test]
    fn json_stays_json() {
        let text = "{\"a\":\"\u{202e}x\u{9b}\u{7f}\",\n\"b\":\"\\u001b\"}";
        let escaped = plain_json(text);
        assert_eq!(escaped, "{\"a\":\"\\u202ex\\u009b\\u007f\",\n\"b\":\"\\u001b\"}");
        let (before, after): (serde_json::Value, serde_json::Value) = (
            serde_json::from_str(text).unwrap(),
            serde_json::from_str(&escaped).unwrap(),
        );
        assert_eq!(before, after);
    }

    #[test]
    fn cells_that_spreadsheets_calculate_are_texts() {
        for (text, cell) in [
            ("a", "a"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("@x", "\"'@x\""),
            ("-1", "\"'-1\""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(csv_cell(text), cell, "{text}");
        }
    }
}
