//! Phone numbers in the form of E.164.

use super::field::Dropped;
use super::text;

/// The digits of a number with its country code.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Checks the number of digits.
pub(super) fn length(digits: &str) -> Result<(), Dropped> {
    match DIGITS.contains(&digits.len()) {
        true => Ok(()),
        false => Err(Dropped::PhoneLength),
    }
}

/// Brings a number to `+` and its digits.
///
/// Read are numbers with their country code, behind `+`, behind the international prefix `00`, or with neither. The zero
/// in parentheses of `+44 (0)20 7946 0958` is dialled only inside the country and goes. A leading zero marks a national
/// number, whose country is unknown.
pub(super) fn e164(text: &str, out: &mut String) -> Result<(), Dropped> {
    out.clear();
    out.push('+');
    match text.split_once("(0)") {
        Some((code, rest)) if code.chars().any(|c| text::ascii_digit(c).is_some()) => {
            text::push_digits(code, out);
            text::push_digits(rest, out);
        }
        _ => text::push_digits(text, out),
    }
    if out.len() == 1 {
        return Err(Dropped::NoDigits);
    }
    if out.starts_with("+00") {
        out.drain(1..3);
    }
    match out.as_bytes() {
        [_, b'0', ..] => Err(Dropped::NationalNumber),
        [_, digits @ ..] if DIGITS.contains(&digits.len()) => Ok(()),
        _ => Err(Dropped::PhoneLength),
    }
}
