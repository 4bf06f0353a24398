//! Segment's check of date-like texts.

use crate::time::js_date;
use crate::value::{js_text_to_number, prints_as};

/// The largest instant of JavaScript's `Date`, in milliseconds.
const MAX_TIME: f64 = 8.64e15;

/// Returns true if a text passes Segment's `date-like` check.
///
/// A number whose text JavaScript prints the same counts as seconds. Texts beginning like `2026-03-04T05:06` pass
/// without any check of ranges.
pub fn is_date_like(text: &str) -> bool {
    let number = js_text_to_number(text);
    if prints_as(number, text) {
        return (number * 1000.0).abs() <= MAX_TIME;
    }
    year_first(text) || js_date::parse(text).is_some()
}

/// Matches `YYYY[-/]M[-/]D[T ]h:m:s.ms`, everything after the year optional, values unchecked; not texts ending in Z.
fn year_first(text: &str) -> bool {
    let bytes = text.as_bytes();
    if text.ends_with(['z', 'Z']) || bytes.len() < 4 || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    // Digits can be split among the parts in several ways, so each width is tried.
    fn part(rest: &[u8], widths: std::ops::RangeInclusive<usize>, next: &dyn Fn(&[u8]) -> bool) -> bool {
        widths.rev().any(|width| {
            rest.len() >= width && rest[..width].iter().all(u8::is_ascii_digit) && next(&rest[width..])
        })
    }
    fn skip<'r>(rest: &'r [u8], one_of: &[u8]) -> &'r [u8] {
        match rest {
            [first, rest @ ..] if one_of.contains(first) => rest,
            _ => rest,
        }
    }
    let last = |rest: &[u8]| rest.iter().all(u8::is_ascii_digit);
    let fraction = |rest: &[u8]| last(skip(rest, b".:"));
    let second = |rest: &[u8]| part(skip(rest, b":"), 0..=2, &fraction);
    let minute = |rest: &[u8]| part(skip(rest, b":"), 0..=2, &second);
    let hour = |rest: &[u8]| {
        let text = std::str::from_utf8(rest).unwrap_or_default();
        let trimmed = text.trim_start_matches(|c: char| {
            matches!(c, 'T' | 't' | '\u{feff}') || (c.is_whitespace() && c != '\u{85}')
        });
        part(trimmed.as_bytes(), 0..=2, &minute)
    };
    let day = |rest: &[u8]| part(skip(rest, b"-/"), 0..=2, &hour);
    part(skip(&bytes[4..], b"-/"), 0..=2, &day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seconds_if_they_print_back() {
        assert!(is_date_like("1772600767") && is_date_like("-1") && is_date_like("8640000000000"));
        assert!(!is_date_like("8640000000001") && !is_date_like("Infinity") && !is_date_like("NaN"));
    }

    #[test]
    fn year_first_texts_are_not_checked_for_range() {
        for text in [
            "2026-13-45",
            "2026/03/04T25:00:00",
            "20260304",
            "2026",
            "2026-03-04 05:06:07.089",
            "99999999999999999",
        ] {
            assert!(is_date_like(text), "{text}");
        }
        assert!(!is_date_like("2026-13-45Z"));
    }

    #[test]
    fn long_texts_take_linear_time() {
        assert!(is_date_like(&"2".repeat(100_000)));
        assert!(!is_date_like(&format!("2026{}x", " ".repeat(100_000))));
    }
}
