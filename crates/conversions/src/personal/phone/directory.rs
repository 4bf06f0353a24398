//! Numbers that are read by the rules of their country, with the crate `phonenumber`.
//!
//! `phonenumber` 0.3.10 (Whisperfish, 2017 to this year, metadata of libphonenumber 9.0.33, Apache-2.0, Rust 1.76) reads a number
//! in about 3 µs. Its tables add 4 MB to the program and 6 MB to its memory, and are read within 50 ms when a number first
//! needs them. `rlibphonenumber` 2.2 is faster (0.7 µs, 7 ms, 3 MB) and has newer metadata, but it writes the numbers that
//! it reads to the log at level trace, and building it takes a hundred crates, a compiler for protocol buffers among them.
//!
//! Answers are cached for each thread. The cache holds numbers as they were asked for; it has a fixed size, and its
//! contents appear in no output.

use std::cell::RefCell;

use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, Mode, Type, country};
use signalbox_core::json::KeyMark;

use super::codes::{has_length, split_code};

/// Number of entries. An answer replaces another with the same index.
const PLACES: usize = 256;
/// Most digits of a number that is looked up, and of an answer.
const LONGEST: usize = 20;

thread_local! {
    static CACHE: RefCell<Vec<Option<Entry>>> = const { RefCell::new(Vec::new()) };
}

/// The digits of a question or an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Digits {
    len: u8,
    text: [u8; LONGEST],
}

#[derive(Clone, Copy)]
struct Entry {
    question: Question,
    answer: Option<Digits>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Question {
    digits: Digits,
    reading: Reading,
}

/// The rules by which digits are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The rules of a country (alpha-2), for digits dialled inside of it.
    Inside(&'static str),
    /// The rules of numbers that begin with their country calling code.
    Abroad,
    /// The same, but the number's range must have been given out.
    GivenOut,
}

impl Digits {
    fn of(text: &str) -> Option<Digits> {
        let mut digits = Digits {
            len: u8::try_from(text.len()).ok()?,
            text: [0; LONGEST],
        };
        digits
            .text
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        Some(digits)
    }

    fn as_str(&self) -> &str {
        let text = self.text.get(..usize::from(self.len)).unwrap_or_default();
        str::from_utf8(text).unwrap_or_default()
    }
}

/// Reads digits and writes those of the whole number, with its country calling code, to `out` (cleared first). False if no
/// such number exists.
pub(super) fn read(digits: &str, reading: Reading, out: &mut String) -> bool {
    out.clear();
    let Some(key) = Digits::of(digits) else {
        return false;
    };
    let question = Question { digits: key, reading };
    let place = KeyMark::of(digits).spread() as usize >> (u32::BITS - PLACES.ilog2()) as usize;
    let answer = CACHE.with_borrow_mut(|entries| {
        if entries.is_empty() {
            entries.resize(PLACES, None);
        }
        if let Some(Some(entry)) = entries.get(place)
            && entry.question == question
        {
            return entry.answer;
        }
        let answer = look_up(digits, reading);
        if let Some(place) = entries.get_mut(place) {
            *place = Some(Entry { question, answer });
        }
        answer
    });
    if let Some(answer) = answer {
        out.push_str(answer.as_str());
    }
    answer.is_some()
}

/// Returns true for a country with phone numbers; Antarctica has none.
pub(super) fn knows(country: &str) -> bool {
    country.parse::<country::Id>().is_ok()
}

fn look_up(digits: &str, reading: Reading) -> Option<Digits> {
    let found = match reading {
        Reading::Inside(country) => national(digits, country.parse().ok()?)?,
        Reading::Abroad => international(digits)?,
        Reading::GivenOut => with_code(digits)?,
    };
    is_possible(&found).then(|| Digits::of(&found)).flatten()
}

/// A number, and whether it is one that its country has given out a range for.
struct Found {
    digits: String,
    valid: bool,
}

fn parse(text: &str, country: Option<country::Id>) -> Option<Found> {
    let number = phonenumber::parse(country, text).ok()?;
    let digits = number
        .format()
        .mode(Mode::E164)
        .to_string()
        .trim_start_matches('+')
        .to_owned();
    // Ranges have been given out of which numbers are longer than E.164 allows.
    let valid = is_possible(&digits) && phonenumber::is_valid(&number);
    Some(Found { digits, valid })
}

/// Reads a number behind `+`. A zero behind the country calling code is dialled inside the country only, unless the numbers
/// of the country begin with it (Italy, Côte d'Ivoire).
fn international(digits: &str) -> Option<String> {
    let read = parse(&format!("+{digits}"), None);
    if let Some(found) = &read
        && found.valid
    {
        return read.map(|found| found.digits);
    }
    let (code, rest) = split_code(digits)?;
    let prefix = prefix(code).unwrap_or("0");
    let without_prefix = rest.strip_prefix(prefix).unwrap_or(rest);
    // A zero that is left is no part of the number either, and the result must be read as itself.
    [without_prefix, rest]
        .map(|rest| format!("{code}{}", rest.trim_start_matches('0')))
        .into_iter()
        .find(|digits| is_possible(digits))
}

/// Returns true if a zero follows the country calling code. Only numbers that have been given out may have one.
fn has_zero(digits: &str) -> bool {
    split_code(digits).is_some_and(|(_, rest)| rest.starts_with('0'))
}

/// Reads a number behind `+` whose range has been given out.
fn with_code(digits: &str) -> Option<String> {
    let found = parse(&format!("+{digits}"), None)?;
    found.valid.then_some(found.digits)
}

/// Reads a number written as inside of a country, or with a country calling code without its plus.
fn national(digits: &str, country: country::Id) -> Option<String> {
    let country = DATABASE.by_id(country.as_ref())?;
    let own_code = country.country_code();
    // Where numbers are dialled with a prefix, one without it has its country calling code, if it can.
    if country.national_prefix().is_some()
        && digits.starts_with(&own_code.to_string())
        && let Some(found) = with_code(digits)
    {
        return Some(found);
    }
    let inside = parse(digits, country.id().parse().ok());
    if let Some(found) = &inside
        && found.valid
    {
        return inside.map(|found| found.digits);
    }
    // The first digits may look like a prefix and belong to the number.
    if is_given_out(country, digits) {
        return Some(format!("{own_code}{digits}"));
    }
    // And digits that were dialled with a prefix may look like a number without it.
    let dialled = country
        .national_prefix()
        .and_then(|prefix| digits.strip_prefix(prefix));
    if let Some(number) = dialled.filter(|number| is_given_out(country, number)) {
        return Some(format!("{own_code}{number}"));
    }
    with_code(digits)
        .or(inside.map(|found| found.digits))
        .filter(|digits| is_possible(digits) && !has_zero(digits))
}

/// Returns true if a country has given out the range of a number without its country calling code.
fn is_given_out(country: &Metadata, number: &str) -> bool {
    const TYPES: [Type; 4] = [Type::FixedLine, Type::Mobile, Type::TollFree, Type::Voip];
    let types = TYPES.iter().filter_map(|kind| country.descriptors().get(*kind));
    types.into_iter().any(|kind| kind.is_match(number))
}

/// Returns the prefix with which the numbers of a country calling code are dialled inside of their country.
fn prefix(code: u16) -> Option<&'static str> {
    let regions = DATABASE.by_code(&code)?;
    regions.into_iter().find_map(Metadata::national_prefix)
}

/// Returns true if the country of a number has numbers of its length.
pub(super) fn is_possible(digits: &str) -> bool {
    split_code(digits).is_some_and(|(code, rest)| has_length(code, rest.len()) && digits.len() <= 15)
}
