//! Writing instants.

use super::Millis;
use super::civil::{self, DAY_MS};

/// Appends an instant as ISO-8601 in UTC with milliseconds: `2026-03-02T09:02:02.014Z`, as JavaScript's `toISOString`.
///
/// Years outside 0–9999 have a sign and at least six digits (`+010000-01-01T00:00:00.000Z`).
pub fn write_iso(instant: Millis, out: &mut String) {
    let (year, month, day) = civil::date(instant.0.div_euclid(DAY_MS));
    let ms = instant.0.rem_euclid(DAY_MS);
    if (0..=9999).contains(&year) {
        push_padded(year, 4, out);
    } else {
        out.push(if year < 0 { '-' } else { '+' });
        push_padded(year.abs(), 6, out);
    }
    let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
    for (mark, number) in [
        ('-', month),
        ('-', day),
        ('T', hour),
        (':', minute),
        (':', ms / 1000 % 60),
    ] {
        out.push(mark);
        push_padded(number, 2, out);
    }
    out.push('.');
    push_padded(ms % 1000, 3, out);
    out.push('Z');
}

/// Digits of a number that is not negative, with leading zeros to `width`; wider if it must be.
fn push_padded(number: i64, width: u32, out: &mut String) {
    let mut unit = 10_i64.pow(width - 1);
    while number / unit >= 10 {
        unit *= 10;
    }
    while unit > 0 {
        out.push(char::from(b'0' + (number / unit % 10) as u8));
        unit /= 10;
    }
}
