//! Reads the timestamps of the Tracking API.

use super::Millis;
use super::civil::{self, DAY_MS};

/// Reads a timestamp as SDKs write them.
///
/// - RFC 3339 and ISO-8601, extended or basic (`2026-03-01T12:34:56.789Z`, `20260301T123456Z`): `T`, `t` or a blank
///   before the time; seconds and their fraction (any number of digits, milliseconds count) may be missing; zone
///   `Z`, `UTC`, `GMT`, `+05:30`, `+0530`, `+05`, a blank before it allowed; no zone is UTC.
/// - A date alone: midnight UTC.
/// - Years of JavaScript's long form: `+010000-01-01T00:00:00Z`.
/// - Epoch seconds, milliseconds, microseconds or nanoseconds as text, by magnitude ([`Millis::from_epoch`]), from nine digits
///   on: eight digits are a date, and no epoch of today has fewer than nine.
///
/// White space around the text is ignored. 24:00 is midnight of the next day, a leap second is the second after it.
/// Returns `None` for dates that do not exist.
pub fn parse_timestamp(text: &str) -> Option<Millis> {
    if let Some(instant) = utc(text.as_bytes()) {
        return Some(instant);
    }
    let text = crate::value::js_trim(text).as_bytes();
    let mut input = Input(text);
    if let Some(epoch) = epoch(text) {
        return Millis::from_epoch(epoch);
    }
    let (year, month, day) = input.date()?;
    let days = civil::days(year, month, day);
    let ms = if input.0.is_empty() {
        0
    } else {
        input.time_and_zone()?
    };
    Millis(days * DAY_MS + ms).in_range()
}

/// Reads `2026-03-01T12:34:56.789Z`, as SDKs write it; `None` for another form and for a time that does not exist.
fn utc(text: &[u8]) -> Option<Millis> {
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
        b'.',
        f1,
        f2,
        f3,
        b'Z',
    ] = text
    else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i64, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i64::from(byte - b'0'))
        })
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[i1, i2])?, number(&[s1, s2])?);
    let ms = number(&[f1, f2, f3])?;
    // The first 28 days are in every month; others need a look at the calendar.
    let exists =
        (1..=12).contains(&month) && (1..=28).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let in_day = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    exists
        .then(|| Millis(civil::days(year, month, day) * DAY_MS + in_day).in_range())
        .flatten()
}

/// Reads a plain decimal number with at least nine digits before its point.
fn epoch(text: &[u8]) -> Option<f64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest_is_fraction = match digits[whole..].split_first() {
        None => true,
        Some((b'.', fraction)) => fraction.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    if whole < 9 || !rest_is_fraction {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The unread rest of a timestamp.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn skip(&mut self, one_of: &[u8]) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if one_of.contains(first) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let mut number = 0;
        for &digit in digits {
            number = number * 10 + i64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        self.0 = rest;
        Some(number)
    }

    fn date(&mut self) -> Option<(i64, i64, i64)> {
        let year = if self.skip(b"+") {
            self.digits(6)?
        } else if self.skip(b"-") {
            -self.digits(6).filter(|&year| year != 0)?
        } else {
            self.digits(4)?
        };
        let extended = self.skip(b"-");
        let month = self.digits(2)?;
        if extended != self.skip(b"-") {
            return None;
        }
        let day = self.digits(2)?;
        let exists = (1..=12).contains(&month) && (1..=civil::days_in_month(year, month)).contains(&day);
        exists.then_some((year, month, day))
    }

    /// Takes time and zone, and returns the milliseconds to add to midnight UTC of the date.
    fn time_and_zone(&mut self) -> Option<i64> {
        if !self.skip(b"Tt ") {
            return None;
        }
        let hour = self.digits(2)?;
        let extended = self.skip(b":");
        let minute = self.digits(2)?;
        let has_seconds = if extended {
            self.skip(b":")
        } else {
            self.0.first().is_some_and(u8::is_ascii_digit)
        };
        let second = if has_seconds { self.digits(2)? } else { 0 };
        let ms = if has_seconds && self.skip(b".,") {
            self.fraction()?
        } else {
            0
        };
        let midnight = hour == 24 && minute == 0 && second == 0 && ms == 0;
        if !(midnight || hour < 24) || minute > 59 || second > 60 {
            return None;
        }
        let offset = self.zone()?;
        Some((hour * 60 + minute - offset) * 60_000 + second * 1000 + ms)
    }

    /// Takes a fraction, of which the first three digits count.
    fn fraction(&mut self) -> Option<i64> {
        let length = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        let digit = |i: usize| digits.get(i).map_or(0, |&digit| i64::from(digit - b'0'));
        (length > 0).then(|| digit(0) * 100 + digit(1) * 10 + digit(2))
    }

    /// Takes the zone, which ends the text, and returns its minutes east of UTC.
    fn zone(&mut self) -> Option<i64> {
        self.skip(b" ");
        let sign = match self.0 {
            b"" | b"Z" | b"z" | b"UTC" | b"GMT" => return Some(0),
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return None,
        };
        self.0 = &self.0[1..];
        let hours = self.digits(2)?;
        self.skip(b":");
        let minutes = if self.0.is_empty() { 0 } else { self.digits(2)? };
        (self.0.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}
