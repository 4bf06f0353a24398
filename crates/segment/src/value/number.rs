//! Numbers: JavaScript's doubles, together with their source text.

use super::js_trim;
use std::fmt;

/// A number. Equality of numbers is equality of their doubles.
#[derive(Clone, Copy)]
pub enum Number<'a> {
    /// A number of the event or the mapping in its spelling, so that ids over 2^53 stay whole.
    Source(&'a str),
    /// A computed number, without a source text.
    Double(f64),
}

/// Hides the number, which may be a phone number.
impl fmt::Debug for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(…)")
    }
}

impl<'a> Number<'a> {
    /// Returns the value as JavaScript sees it; infinite if it is too large.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Source(text) => text.parse().unwrap_or(f64::NAN),
            Number::Double(double) => double,
        }
    }

    /// Returns true for zero and NaN.
    pub fn is_falsy(self) -> bool {
        match self {
            // Fast for nearly all numbers: without an exponent, a number with a leading digit 1-9 is not zero.
            Number::Source(text) if matches!(text.as_bytes(), [b'1'..=b'9', ..]) && !has_exponent(text) => {
                false
            }
            _ => {
                let double = self.to_f64();
                double == 0.0 || double.is_nan()
            }
        }
    }

    /// Returns true for a number in the range of doubles.
    pub fn is_finite(self) -> bool {
        match self {
            // Without an exponent it takes over 300 digits to leave the range.
            Number::Source(text) if text.len() < 300 && !has_exponent(text) => true,
            _ => self.to_f64().is_finite(),
        }
    }

    /// Returns true for a finite number without a fraction.
    pub fn is_whole(self) -> bool {
        match self {
            Number::Source(text) if is_plain_integer(text) => true,
            _ => self.to_f64().fract() == 0.0,
        }
    }

    /// Returns the source text, if the number was read from one.
    pub fn source(self) -> Option<&'a str> {
        match self {
            Number::Source(text) => Some(text),
            Number::Double(_) => None,
        }
    }

    /// Returns ECMAScript's text of a number whose own text it is, or the beginning of it: up to 15 digits, no sign and no
    /// exponent. `None` of any other, which `with_js_text` prints.
    #[inline]
    pub fn as_written(self) -> Option<&'a str> {
        self.source().and_then(printed_as_written)
    }

    /// Calls `take` with ECMAScript's `Number::toString`: `1.0` is `1`, `1e21` is `1e+21`.
    pub fn with_js_text<R>(self, take: impl FnOnce(&str) -> R) -> R {
        match self.as_written() {
            Some(text) => take(text),
            None => take(ryu_js::Buffer::new().format(self.to_f64())),
        }
    }
}

/// Returns true for an integer that prints as it was written, which up to 15 digits do.
fn is_plain_integer(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < 15 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn has_exponent(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'e' | b'E'))
}

/// Returns the part of a number's text that JavaScript prints, if that is known without parsing the number: no two
/// numbers of up to 15 digits are the same double, so JavaScript prints all digits but the zeros at the end of a
/// fraction.
fn printed_as_written(text: &str) -> Option<&str> {
    const DIGITS: usize = 15;
    let (mut point, mut end) = (None, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'1'..=b'9' => end = at + 1,
            b'0' if point.is_some() => {}
            b'0' => end = at + 1,
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let whole = point.unwrap_or(text.len());
    let digits = text.len() - usize::from(point.is_some());
    // JavaScript prints small fractions with an exponent.
    let is_plain = match text.as_bytes() {
        [b'0'] => true,
        [b'0', b'.', fraction @ ..] => !fraction.starts_with(b"00000"),
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    let is_whole = whole > 0 && point != Some(text.len() - 1);
    (is_plain && is_whole && digits <= DIGITS)
        .then(|| text.get(..end))
        .flatten()
}

/// Converts a text to a number as ECMAScript does: blank is 0; `0x1F`, `0b1`, `0o7` and `Infinity` are read; others are
/// NaN.
pub fn js_text_to_number(text: &str) -> f64 {
    let text = js_trim(text);
    if text.is_empty() {
        return 0.0;
    }
    let radix = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => Some(16),
        [b'0', b'o' | b'O', ..] => Some(8),
        [b'0', b'b' | b'B', ..] => Some(2),
        _ => None,
    };
    if let Some(radix) = radix {
        return digits_of_radix(&text[2..], radix);
    }
    match text.trim_start_matches(['+', '-']) {
        "Infinity" if text.len() <= 9 => {
            return if text.starts_with('-') {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            };
        }
        _ => {}
    }
    // Rust also reads "inf" and "nan" in any case; JavaScript does not.
    if text
        .bytes()
        .any(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return f64::NAN;
    }
    text.parse().unwrap_or(f64::NAN)
}

/// Returns true if JavaScript prints a number as this text.
pub(crate) fn prints_as(number: f64, text: &str) -> bool {
    ryu_js::Buffer::new().format(number) == text
}

fn digits_of_radix(digits: &str, radix: u32) -> f64 {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return f64::NAN;
    }
    match u64::from_str_radix(digits, radix) {
        Ok(number) => number as f64,
        // Beyond 64 bits the last bit may be off; no real identifier is written so.
        Err(_) => digits
            .chars()
            .filter_map(|digit| digit.to_digit(radix))
            .fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn js(number: Number<'_>) -> String {
        number.with_js_text(str::to_owned)
    }

    #[test]
    fn numbers_print_as_in_javascript() {
        let cases = [
            ("1.0", "1"),
            ("1e21", "1e+21"),
            ("1e-7", "1e-7"),
            ("0.000001", "0.000001"),
            ("-0", "0"),
            ("12345678901234567890", "12345678901234567000"),
            ("9007199254740993", "9007199254740992"),
            ("1e400", "Infinity"),
            ("42", "42"),
            ("129.50", "129.5"),
            ("10.00", "10"),
            ("0.0", "0"),
            ("0.10", "0.1"),
            ("0.00001", "0.00001"),
            ("0.0000001", "1e-7"),
            ("-7.250", "-7.25"),
            ("1.5e3", "1500"),
            ("12345678901234.5", "12345678901234.5"),
            ("0.1234567890123456789", "0.12345678901234568"),
        ];
        for (source, expected) in cases {
            assert_eq!(js(Number::Source(source)), expected, "{source}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_as_written_is_what_javascript_prints(text in "-?(0|[1-9][0-9]{0,16})(\\.[0-9]{1,17})?(e-?[1-9])?") {
            let double: f64 = text.parse().unwrap();
            prop_assert_eq!(js(Number::Source(&text)), js(Number::Double(double)));
        }
    }

    #[test]
    fn range_is_that_of_doubles() {
        assert!(Number::Source("1e308").is_finite() && Number::Source("12345678901234567890").is_finite());
        assert!(!Number::Source("1e400").is_finite() && !Number::Source(&"9".repeat(400)).is_finite());
        assert!(Number::Source("5e1").is_whole() && !Number::Source("1e400").is_whole());
    }

    #[test]
    fn falsy_is_zero_in_any_spelling() {
        for zero in ["0", "-0", "0.0", "0e5", "1e-400"] {
            assert!(Number::Source(zero).is_falsy(), "{zero}");
        }
        for other in ["1", "-1", "0.1", "10", "1e5"] {
            assert!(!Number::Source(other).is_falsy(), "{other}");
        }
    }

    #[test]
    fn text_is_read_as_javascript_reads_it() {
        let cases = [
            (" 7 ", 7.0),
            ("0x1F", 31.0),
            ("1e3", 1000.0),
            (" ", 0.0),
            ("Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("+5", 5.0),
            (".5", 0.5),
            ("5.", 5.0),
        ];
        for (text, number) in cases {
            assert_eq!(js_text_to_number(text), number, "{text}");
        }
        for text in [
            "1,5",
            "inf",
            "nan",
            "-0x1F",
            "1e",
            "--1",
            "+-Infinity",
            "1_000",
            ".",
            "0x",
        ] {
            assert!(js_text_to_number(text).is_nan(), "{text}");
        }
    }
}
