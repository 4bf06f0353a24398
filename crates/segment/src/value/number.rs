//! Numbers: doubles as JavaScript has them, with the text they were written in kept beside.

use super::js_trim;
use std::fmt;

/// A number. Equality of numbers is equality of their doubles.
#[derive(Clone, Copy)]
pub enum Number<'a> {
    /// As written in the event or the mapping; ids over 2^53 stay whole this way.
    Source(&'a str),
    /// Computed, no text of its own.
    Double(f64),
}

/// Never the number itself: it may be a phone number.
impl fmt::Debug for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(…)")
    }
}

impl<'a> Number<'a> {
    /// The value as JavaScript sees it; too large becomes infinite.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Source(text) => text.parse().unwrap_or(f64::NAN),
            Number::Double(double) => double,
        }
    }

    /// Zero and NaN.
    pub fn is_falsy(self) -> bool {
        match self {
            // Cheap for nearly all numbers: without an exponent a leading digit 1-9 cannot be zero.
            Number::Source(text) if matches!(text.as_bytes(), [b'1'..=b'9', ..]) && !has_exponent(text) => {
                false
            }
            _ => {
                let double = self.to_f64();
                double == 0.0 || double.is_nan()
            }
        }
    }

    /// Within the range of doubles.
    pub fn is_finite(self) -> bool {
        match self {
            // Without an exponent it takes over 300 digits to leave the range.
            Number::Source(text) if text.len() < 300 && !has_exponent(text) => true,
            _ => self.to_f64().is_finite(),
        }
    }

    /// Finite and without a fraction.
    pub fn is_whole(self) -> bool {
        match self {
            Number::Source(text) if is_plain_integer(text) => true,
            _ => self.to_f64().fract() == 0.0,
        }
    }

    /// The text in the source, if this number was read from one.
    pub fn source(self) -> Option<&'a str> {
        match self {
            Number::Source(text) => Some(text),
            Number::Double(_) => None,
        }
    }

    /// Hands ECMAScript's `Number::toString` to `take`: `1.0` is `1`, `1e21` is `1e+21`.
    pub fn with_js_text<R>(self, take: impl FnOnce(&str) -> R) -> R {
        match self.source().and_then(printed_as_written) {
            Some(text) => take(text),
            None => take(ryu_js::Buffer::new().format(self.to_f64())),
        }
    }
}

/// Up to 15 digits print back as they were read.
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

/// The part of a number's text that JavaScript prints for it, where that is known without reading the number: of up to
/// 15 digits no two are the same double, so all of them are printed but zeros at the end of a fraction.
fn printed_as_written(text: &str) -> Option<&str> {
    const DIGITS: usize = 15;
    let bytes = text.as_bytes();
    if bytes.len() > DIGITS + 1 {
        return None;
    }
    // Where the point is: behind the digits if there is none.
    let point = bytes.iter().position(|byte| *byte == b'.').unwrap_or(bytes.len());
    let (whole, fraction) = (bytes.get(..point)?, bytes.get(point + 1..).unwrap_or_default());
    let plain_fraction = fraction
        .iter()
        .fold(true, |all, byte| all & byte.is_ascii_digit());
    let lone_point = point < bytes.len() && fraction.is_empty();
    // Small fractions are printed with an exponent.
    let small = whole == b"0" && fraction.starts_with(b"00000");
    if lone_point || small || !plain_fraction || !is_plain_integer(text.get(..point)?) {
        return None;
    }
    let zeros = fraction.iter().rev().take_while(|byte| **byte == b'0').count();
    let kept = fraction.len() - zeros;
    text.get(..if kept == 0 { point } else { point + 1 + kept })
}

/// ECMAScript's text to number: blank is 0, `0x1F`, `0b1`, `0o7`, `Infinity`; what it cannot read is NaN.
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

fn digits_of_radix(digits: &str, radix: u32) -> f64 {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return f64::NAN;
    }
    match u64::from_str_radix(digits, radix) {
        Ok(number) => number as f64,
        // Beyond 64 bits the last bit may be off; no identifier in practice is written so.
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
