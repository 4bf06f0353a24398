//! Times as Segment's open-source conversions destination reads them, for `compat = "segment"` alone.
//!
//! Segment reads with the library dayjs. A text that ends in Z goes to JavaScript's `Date`. A text of year, month, day
//! and time without a zone is split and read as UTC; parts that are too large roll over. Any other text goes to `Date`
//! too. Two known errors are kept on purpose: epoch numbers are split as digits of a date and land in 1775, and
//! unreadable texts are sent as `null`. UTC stands in for the time zone of Segment's servers.

use super::Millis;
use super::civil::{self, DAY_MS};
use super::js_date;
use crate::value::{is_js_space, prints_as};

/// Returns Segment's `event_time`: Unix seconds, rounded down, or `None` for its `null`.
///
/// The text is not trimmed; numbers and booleans are given as JavaScript writes them. Segment rejects a missing, null
/// or empty event time before.
pub fn event_time(text: &str) -> Option<i64> {
    instant(text).map(Millis::seconds)
}

/// Returns Segment's `install_time` of a text: a text of digits is that number, unchanged; other texts are read as
/// [`event_time`] does. `None` means that the whole event fails validation. Segment sends a number as it is, which is
/// left to the caller.
///
/// The number is a JavaScript double, since a long row of digits can be any double.
pub fn install_time(text: &str) -> Option<f64> {
    // Segment validates first and accepts some texts of digits that are not dates; these pass as numbers.
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let seconds = instant(text).map(|instant| instant.seconds() as f64);
    if digits {
        let number: f64 = text.parse().ok()?;
        return (number.is_finite() && (seconds.is_some() || prints_as(number, text))).then_some(number);
    }
    seconds
}

fn instant(text: &str) -> Option<Millis> {
    if text.ends_with(['Z', 'z']) {
        return js_date::parse(text).map(|read| read.instant);
    }
    match parts(text) {
        Some(parts) => from_parts(parts),
        None => js_date::parse(text).map(|read| read.instant),
    }
}

/// Year, month, day, hour, minute, second and fraction as digits; empty if absent.
type Parts<'a> = [&'a str; 7];

/// Splits a text of the shape `YYYY[-/]MM[-/]DD[T or blanks]hh:mm:ss.fraction`, in which all parts and separators
/// after the year are optional.
fn parts(text: &str) -> Option<Parts<'_>> {
    let mut rest = text;
    let mut parts = [""; 7];
    parts[0] = digits(&mut rest, 4).filter(|year| year.len() == 4)?;
    let separators: [&[char]; 7] = [&[], &['-', '/'], &['-', '/'], &[], &[':'], &[':'], &['.', ':']];
    for (i, part) in parts.iter_mut().enumerate().skip(1) {
        if i == 3 {
            rest = rest.trim_start_matches(|c: char| c == 'T' || c == 't' || is_js_space(c));
        } else if let Some(behind) = rest.strip_prefix(separators[i]) {
            rest = behind;
        }
        *part = digits(&mut rest, if i == 6 { usize::MAX } else { 2 }).unwrap_or_default();
    }
    rest.is_empty().then_some(parts)
}

/// Takes up to `most` digits.
fn digits<'a>(rest: &mut &'a str, most: usize) -> Option<&'a str> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    (count > 0).then_some(digits)
}

fn from_parts([year, month, day, hour, minute, second, fraction]: Parts<'_>) -> Option<Millis> {
    let number = |digits: &str| digits.parse::<i64>().unwrap_or(0);
    // An absent month or day is the first; 00 is the one before the first.
    let first = |digits: &str| if digits.is_empty() { 1 } else { number(digits) };
    // Date.UTC takes years of two digits for those of the last century.
    let year = match number(year) {
        short @ 0..=99 => 1900 + short,
        year => year,
    };
    let ms = number(fraction.get(..3).unwrap_or(fraction));
    let clock = ((number(hour) * 60 + number(minute)) * 60 + number(second)) * 1000 + ms;
    Millis(civil::days(year, first(month), first(day)) * DAY_MS + clock).in_range()
}
