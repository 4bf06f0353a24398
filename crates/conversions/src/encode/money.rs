//! Amounts in decimal notation.

use std::io::Write;

use signalbox_core::json::JsonWriter;
use signalbox_segment::value::Number;

/// A double holds 15 decimal digits for certain; digits beyond them are noise (`0.1 + 0.2`).
const DIGITS: usize = 15;

/// Appends an amount in decimal: no exponent, no noise of binary fractions, no `-0`. Whole numbers keep all their digits.
/// The number must be finite.
#[inline]
pub fn push_money(number: Number<'_>, out: &mut JsonWriter) {
    // Most amounts have few digits.
    if let Some(text) = number.as_written() {
        out.short(text.as_bytes());
        return;
    }
    if let Some(source) = number.source()
        && is_integer(source)
    {
        out.short(source.as_bytes());
        return;
    }
    let fits = number.with_js_text(|text| {
        let fits = !is_noisy(text);
        if fits {
            out.short(text.as_bytes());
        }
        fits
    });
    if !fits {
        out.with(|out| push_decimal(number.to_f64(), out));
    }
}

/// Returns true if JavaScript's text of a number has an exponent, or more digits than are certain.
fn is_noisy(text: &str) -> bool {
    let most = DIGITS + usize::from(text.starts_with("0."));
    let (digits, exponent) = text.bytes().fold((0, false), |(digits, exponent), byte| {
        (
            digits + usize::from(byte.is_ascii_digit()),
            exponent | matches!(byte, b'e' | b'E'),
        )
    });
    exponent || digits > most
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits != "0" && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Writes 15 significant digits without an exponent.
fn push_decimal(number: f64, out: &mut Vec<u8>) {
    let magnitude = number.abs();
    let whole_digits = if magnitude < 1.0 {
        0
    } else {
        magnitude.log10() as usize + 1
    };
    // Small numbers have their digits behind zeros.
    let zeros = if magnitude > 0.0 && magnitude < 1.0 {
        (-magnitude.log10()) as usize
    } else {
        0
    };
    let decimals = (DIGITS + zeros).saturating_sub(whole_digits);
    let start = out.len();
    let _ = write!(out, "{number:.decimals$}");
    if out[start..].contains(&b'.') {
        while out.ends_with(b"0") {
            out.pop();
        }
        if out.ends_with(b".") {
            out.pop();
        }
    }
    if out[start..] == *b"-0" {
        out.truncate(start);
        out.push(b'0');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(number: Number<'_>) -> String {
        let mut out = JsonWriter::default();
        push_money(number, &mut out);
        String::from_utf8(out.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn amounts_are_written_as_people_write_them() {
        for (source, written) in [
            ("129.5", "129.5"),
            ("129.50", "129.5"),
            ("10.00", "10"),
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1e3", "1000"),
            ("1e-7", "0.0000001"),
            ("1.5e-9", "0.0000000015"),
            ("1e21", "1000000000000000000000"),
            ("0.30000000000000004", "0.3"),
            ("19.990000000000002", "19.99"),
            ("12345678901234567890", "12345678901234567890"),
            ("-7.25", "-7.25"),
            ("99999.999999999985", "100000"),
            ("0.1", "0.1"),
            ("123456789.123456", "123456789.123456"),
            (
                "5e-324",
                "0.000000000000000000000000000000000000000000000000000000000000",
            ),
        ] {
            let found = money(Number::Source(source));
            if source == "5e-324" {
                assert!(found.starts_with(&written[..40]) && found.len() < 360, "{found}");
            } else {
                assert_eq!(found, written, "{source}");
            }
        }
        assert_eq!(money(Number::Double(0.1 + 0.2)), "0.3");
    }

    proptest! {
        #[test]
        fn it_is_a_decimal_near_the_number(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let text = money(Number::Double(number));
            prop_assert!(text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-'), "{text}");
            let back: f64 = text.parse().unwrap();
            prop_assert!((back - number).abs() <= number.abs() * 1e-14, "{text} for {number:e}");
        }
    }
}
