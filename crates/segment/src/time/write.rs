//! Writes instants.

use super::Millis;
use super::civil::{self, DAY_MS};

/// Appends an instant as ISO-8601 in UTC with milliseconds: `2026-03-02T09:02:02.014Z`, as JavaScript's `toISOString`.
///
/// Years outside 0–9999 have a sign and at least six digits (`+010000-01-01T00:00:00.000Z`).
pub fn write_iso(instant: Millis, out: &mut String) {
    let (year, month, day) = civil::date(instant.0.div_euclid(DAY_MS));
    // Unsigned 32 bits: milliseconds of a day, month, day and the last four digits of a year are small.
    let ms = instant.0.rem_euclid(DAY_MS) as u32;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    put(year.unsigned_abs() as u32, &mut text[..4]);
    put(month as u32, &mut text[5..7]);
    put(day as u32, &mut text[8..10]);
    put(ms / 3_600_000, &mut text[11..13]);
    put(ms / 60_000 % 60, &mut text[14..16]);
    put(ms / 1000 % 60, &mut text[17..19]);
    put(ms % 1000, &mut text[20..23]);
    // The text holds ASCII only.
    let text = std::str::from_utf8(&text).unwrap_or_default();
    if (0..=9999).contains(&year) {
        out.push_str(text);
    } else {
        let sign = if year < 0 { '-' } else { '+' };
        out.push_str(&format!("{sign}{:06}", year.unsigned_abs()));
        out.push_str(text.get(4..).unwrap_or_default());
    }
}

/// Fills `places` with the last digits of a number. Unsigned, since the compiler then turns the division by a constant
/// into one multiplication.
fn put(mut number: u32, places: &mut [u8]) {
    for place in places.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
