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
/// number, whose country is unknown. An extension does not belong to the number.
pub(super) fn e164(text: &str, out: &mut String) -> Result<(), Dropped> {
    out.clear();
    out.push('+');
    let text = without_extension(text);
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

/// Returns the text up to the first letter or number sign behind the first digit, as in `312 555 0142 ext. 9`.
fn without_extension(text: &str) -> &str {
    let first = text
        .find(|c| text::ascii_digit(c).is_some())
        .unwrap_or(text.len());
    let end = text[first..].find(|c: char| c.is_alphabetic() || c == '#');
    &text[..end.map_or(text.len(), |end| first + end)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_form_of_e164() {
        for (text, number) in [
            ("+1 (312) 555-0142", Ok("+13125550142")),
            ("tel:+1-312-555-0142;ext=9", Ok("+13125550142")),
            ("+1 312.555.0142 ext. 9", Ok("+13125550142")),
            ("13125550142 x9", Ok("+13125550142")),
            ("001 312 555 0142 #9", Ok("+13125550142")),
            ("+44 (0)20 7946 0958", Ok("+442079460958")),
            ("\u{200e}+972-50-555-0142\u{200e}", Ok("+972505550142")),
            (
                "+\u{661}\u{663}\u{661}\u{662}\u{665}\u{665}\u{665}\u{660}",
                Ok("+13125550"),
            ),
            ("020 7946 0958", Err(Dropped::NationalNumber)),
            ("1-800-WILDROSE", Err(Dropped::PhoneLength)),
            ("+1234567890123456", Err(Dropped::PhoneLength)),
            ("ext.", Err(Dropped::NoDigits)),
            ("+", Err(Dropped::NoDigits)),
        ] {
            let mut out = String::new();
            let found = e164(text, &mut out).map(|()| out.as_str());
            assert_eq!(found, number, "{text}");
        }
    }
}
