//! Phone numbers with their country calling code, by the rules of libphonenumber.
//!
//! | a text | is read |
//! |---|---|
//! | `+1 415 555 0100`, `0044 20 7946 0958` | as it stands, by a table of country calling codes and lengths ([`codes`]) |
//! | `+44 (0)20 7946 0958` | by the rules of the country ([`directory`]): a zero dialled inside the country only goes |
//! | `020 7946 0958`, `442079460958` | by the rules of the person's country, if it is known |
//! | `1 415 555 0100` without a country | as a number with its country calling code, if such a number exists |
//! | other digits without a country | as they stand, without leading zeros and without a country calling code |
//! | several numbers, extensions, letters | number by number ([`split`]); a number with letters in it is none |
//! | `14155550100.0`, `1.4155550100E+10` | as the number that a spreadsheet had; a rounded one is none |

mod codes;
mod directory;
mod split;

use std::ops::ControlFlow;

use super::field::Dropped;
use super::place::Place;
use super::spreadsheet::{self, Rounded};
use directory::Reading;
use split::{SHORTEST, Written};

/// The fewest digits of a number inside of its country. Shorter ones exist on some islands, and as extensions everywhere.
const SHORTEST_DIALLED: usize = 6;
/// The most digits of a number with its country calling code.
const LONGEST: usize = 15;

/// A number that was read. The digits stand in the buffer of [`numbers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// The digits begin with the country calling code.
    International,
    /// The country is unknown, so the country calling code is missing.
    National,
}

/// Takes one number, or the reason why a part of the text is none, and the buffer with its digits.
pub(super) type Take<'t> = dyn FnMut(Result<Number, Dropped>, &mut String) -> ControlFlow<()> + 't;

/// Reads the numbers of a text, each into `digits`, and hands them over in their order, until `take`
/// breaks off. A text without any number gives one error.
pub(super) fn numbers(text: &str, place: &dyn Place, digits: &mut String, take: &mut Take<'_>) {
    // Most numbers: digits behind a plus.
    if plain_digits(text, digits) && directory::is_possible(digits) {
        let number = not_one_digit(digits).map(|()| Number::International);
        let _ = take(number, digits);
        return;
    }
    let written = match spreadsheet::whole_number(text, digits) {
        Err(Rounded) => {
            let _ = take(Err(Dropped::RoundedNumber), digits);
            return;
        }
        Ok(true) => split::split(digits),
        Ok(false) => split::split(text),
    };
    if written.is_empty() {
        let _ = take(Err(Dropped::NoDigits), digits);
    }
    for one in &written {
        let number = number(one, place, digits);
        if take(number, digits).is_break() {
            return;
        }
    }
}

/// Writes the digits of a number such as `+1 (415) 555-0100` to `out` (cleared first). False if it needs a closer look: it has
/// no plus, letters, separators, or a zero behind its country calling code.
fn plain_digits(text: &str, out: &mut String) -> bool {
    out.clear();
    let Some(rest) = text
        .strip_prefix('+')
        .or_else(|| text.trim_start().strip_prefix('+'))
    else {
        return false;
    };
    // Whole runs of digits are copied, which costs a fraction of as many single ones.
    let mut run = 0;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => continue,
            b' ' | b'-' | b'.' | b'(' | b')' => out.push_str(&rest[run..at]),
            _ => return false,
        }
        run = at + 1;
    }
    out.push_str(&rest[run..]);
    codes::split_code(out).is_some_and(|(_, rest)| !rest.starts_with('0'))
}

fn number(written: &Written, place: &dyn Place, out: &mut String) -> Result<Number, Dropped> {
    if written.letters {
        return Err(Dropped::VanityNumber);
    }
    let digits = written.digits.as_str();
    if digits.bytes().all(|digit| digit == b'0') {
        return Err(Dropped::NoDigits);
    }
    not_one_digit(digits)?;
    if written.plus {
        // `+0044` and `+(0)44` are slips of the pen.
        return match international(digits.trim_start_matches('0'), out) {
            true => Ok(Number::International),
            false => Err(Dropped::PhoneLength),
        };
    }
    if let Some(rest) = digits.strip_prefix("00")
        && international(rest, out)
    {
        return Ok(Number::International);
    }
    if digits.len() < SHORTEST_DIALLED {
        return Err(Dropped::PhoneLength);
    }
    if let Some(country) = place.country().filter(|country| directory::knows(country)) {
        return match directory::read(digits, Reading::Inside(country), out) {
            true => Ok(Number::International),
            false => Err(Dropped::PhoneLength),
        };
    }
    without_country(digits, out)
}

/// Reads the digits of a number with its country calling code. False if the code is not assigned, or has no numbers of this
/// length.
fn international(digits: &str, out: &mut String) -> bool {
    match codes::split_code(digits) {
        None => false,
        Some((_, rest)) if !rest.starts_with('0') && directory::is_possible(digits) => {
            out.clear();
            out.push_str(digits);
            true
        }
        Some(_) => directory::read(digits, Reading::Abroad, out),
    }
}

/// Reads a number without plus and country. The prefix 011 is that of North America for numbers abroad, and begins national
/// numbers elsewhere; those are shorter.
fn without_country(digits: &str, out: &mut String) -> Result<Number, Dropped> {
    /// Digits of the shortest number behind 011 that is no national one.
    const ABROAD: usize = 10;
    if let Some(rest) = digits.strip_prefix("011")
        && rest.len() >= ABROAD
        && is_valid(rest, out)
    {
        return Ok(Number::International);
    }
    if !digits.starts_with('0') && is_valid(digits, out) {
        return Ok(Number::International);
    }
    out.clear();
    out.push_str(digits.trim_start_matches('0'));
    match (SHORTEST..=LONGEST).contains(&out.len()) {
        true => Ok(Number::National),
        false => Err(Dropped::PhoneLength),
    }
}

/// Returns true if these digits are a number with its country calling code that has been given out.
fn is_valid(digits: &str, out: &mut String) -> bool {
    directory::is_possible(digits) && directory::read(digits, Reading::GivenOut, out)
}

/// Drops numbers such as 1111111111.
fn not_one_digit(digits: &str) -> Result<(), Dropped> {
    let first = digits.bytes().next();
    match digits.len() >= SHORTEST && digits.bytes().all(|digit| Some(digit) == first) {
        true => Err(Dropped::Junk),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
