//! Dates as people and older libraries write them.

use super::{Millis, js_date};

/// Reads as JavaScript does, beyond ISO, a text that holds a whole date: a four-digit year, and a month's name or two
/// separators of numbers. Without this test JavaScript makes a date of nearly any text with a number in it.
pub fn written_date(text: &str) -> Option<Millis> {
    let digits = |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_digit());
    let has_year = text.split(|c: char| !c.is_ascii_alphanumeric()).any(digits);
    let numbers = text
        .split(['/', '-', '.'])
        .filter(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        .count();
    let whole = has_year && (numbers >= 3 || js_date::has_month_name(text));
    let read = if whole { js_date::parse(text) } else { None }?;
    // JavaScript takes February 30 for March 2; a date that does not exist is a mistake.
    (!read.rolled_over).then_some(read.instant)
}

/// Reads a date with the name of its month, which has one meaning: RFC 2822 (`Sun, 01 Mar 2026 12:34:56 GMT`) and English
/// dates (`March 1, 2026 12:34 PM`).
pub fn named_date(text: &str) -> Option<Millis> {
    js_date::has_month_name(text)
        .then(|| written_date(text))
        .flatten()
}
