//! Times that a mapping gives: read from any spelling that names one instant, never guessed.

use std::num::NonZeroU32;
use std::time::Duration;

use signalbox_segment::time::{Millis, parse_timestamp, written_date};
use signalbox_segment::value::js_trim;

/// The reason why a time cannot be sent. The code is stable and reveals nothing of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BadTime {
    /// Missing, or blank.
    Empty,
    /// The text has none of the forms that are read.
    Unreadable,
}

/// Reads a time as Unix seconds, rounded down.
///
/// Reads every text that [`parse_timestamp`] reads, RFC 2822 (`Sun, 01 Mar 2026 12:34:56 GMT`), English dates
/// (`March 1, 2026 12:34 PM`), `2026/03/01`, `03/01/2026` with the month first, and ISO with single digits
/// (`2026-3-1T1:2:3`). A text without a zone is UTC, never the host's zone. Numbers are for [`Millis::from_epoch`].
///
/// # Errors
/// [`BadTime`]; a time is never guessed and never null.
pub fn unix_seconds(text: &str) -> Result<i64, BadTime> {
    instant(text).map(Millis::seconds)
}

/// Returns the Unix second from which on an event of this time is older than `lifetime`; `None` if a record cannot say it.
pub fn expires_at(time: i64, lifetime: Duration) -> Option<NonZeroU32> {
    let end = time.saturating_add_unsigned(lifetime.as_secs());
    u32::try_from(end).ok().and_then(NonZeroU32::new)
}

/// Reads a time as [`unix_seconds`] does, with its milliseconds.
///
/// # Errors
/// As [`unix_seconds`].
#[inline]
pub fn instant(text: &str) -> Result<Millis, BadTime> {
    if let Some(instant) = parse_timestamp(text) {
        return Ok(instant);
    }
    let text = js_trim(text);
    if text.is_empty() {
        return Err(BadTime::Empty);
    }
    written_date(text)
        .or_else(|| parse_timestamp(&padded(text)?))
        .ok_or(BadTime::Unreadable)
}

/// A date that begins with the year, its single digits with a zero before them. `None` if it is another text.
fn padded(text: &str) -> Option<String> {
    const LONGEST: usize = 64;
    let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    if text.len() > LONGEST || !text.is_ascii() || !(0..4).all(digit) || !text[4..].starts_with(['-', '/']) {
        return None;
    }
    let mut padded = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        let before = at.checked_sub(1).map(|at| text.as_bytes()[at]);
        if digit(at) && !digit(at + 1) && !before.is_some_and(|b| b.is_ascii_digit() || b == b'.') {
            padded.push('0');
        }
        padded.push(c);
    }
    Some(padded)
}

#[cfg(test)]
mod tests;
