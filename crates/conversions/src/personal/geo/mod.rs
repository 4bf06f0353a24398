//! US states and ISO countries: codes from codes, names, and hashes of either.

mod countries;
mod locale;
mod parts;
mod provinces;
mod segment;
mod states;

use std::collections::HashMap;
use std::sync::LazyLock;

use signalbox_core::Sha256Hex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::field::Dropped;
use super::text;
use parts::{Part, agreed};

pub use countries::{COUNTRIES, Country};
pub use segment::Names;
pub(super) use segment::{COUNTRY_NAMES_OF_SEGMENT, FIFTY_STATES};
pub use states::{STATES, State};

/// The longest text that can be a name, in bytes; longer ones are not looked at.
const LONGEST: usize = 128;

/// The two-letter code, in upper case, of a US state, district or territory.
///
/// Read are codes (`CA`, `ca`, `c.a.`), names (`New York`, `newyork`), both behind `US-` (`US-CA`), in any letter case
/// and spacing, and the SHA-256 of each spelling a sender may have hashed: code and name in lower, upper and usual
/// case, with and without blanks, `US-CA`, in hexadecimal digits of either case. Anything else, also the states of other
/// countries, is unknown: `None`.
pub fn state_code(text: &str) -> Option<&'static str> {
    find(text, &STATE_HASHES, |cleaned| {
        two_letters(cleaned)
            .and_then(states::by_code)
            .or_else(|| state_in(cleaned))
    })
}

/// The ISO-3166 alpha-2 code, in upper case, of a country.
///
/// Read are alpha-2 and alpha-3 codes and English names (ISO short names, common ones, a few native ones) in any letter
/// case and spacing, and the SHA-256 of each as in [`state_code`]. `UK` is GB. Anything else is `None`.
pub fn country_code(text: &str) -> Option<&'static str> {
    // Most are codes.
    if let [a, b] = text.as_bytes()
        && a.is_ascii_alphabetic()
        && b.is_ascii_alphabetic()
    {
        let code = [a.to_ascii_lowercase(), b.to_ascii_lowercase()];
        let code = str::from_utf8(&code).ok()?;
        return country_in(code).or_else(|| countries::by_code(code));
    }
    find(text, &COUNTRY_HASHES, |cleaned| {
        country_in(cleaned).or_else(|| countries::by_code(cleaned))
    })
}

fn find(
    text: &str,
    hashes: &HashMap<Sha256Hex, &'static str>,
    read: impl Fn(&str) -> Option<&'static str>,
) -> Option<&'static str> {
    if text.len() > LONGEST {
        return None;
    }
    let mut cleaned = String::new();
    text::clean(text, &mut cleaned);
    match Sha256Hex::from_prehashed(&cleaned) {
        Some(hash) => hashes.get(&hash).copied(),
        None => read(&cleaned),
    }
}

/// The code of a state named, written as `us-ca`, or beside its code or country as in `new york (ny)`, in a cleaned text (no
/// white space, lower case). Plain codes are not looked up, since they need no translation.
pub(super) fn state_in(cleaned: &str) -> Option<&'static str> {
    if cleaned.len() <= 2 || cleaned.len() > LONGEST {
        return None;
    }
    let of_part = |part: &str| {
        two_letters(part)
            .and_then(states::by_code)
            .or_else(|| by_name(&STATE_NAMES, part))
    };
    if let Some(part) = behind_country(cleaned, &["us", "usa"]) {
        return of_part(part);
    }
    by_name(&STATE_NAMES, cleaned).or_else(|| {
        agreed(cleaned, |part| match of_part(part) {
            Some(code) => Part::Code(code),
            None if part == "us" || short_country_in(part) == Some("US") => Part::Neutral,
            None => Part::Unknown,
        })
    })
}

/// The code of a Canadian province named, written as `ca-on`, or beside its code or country, in a cleaned text, as in
/// [`state_in`].
pub(super) fn province_in(cleaned: &str) -> Option<&'static str> {
    if cleaned.len() <= 2 || cleaned.len() > LONGEST {
        return None;
    }
    let part = behind_country(cleaned, &["ca", "can"]).unwrap_or(cleaned);
    by_name(&PROVINCE_NAMES, part).or_else(|| {
        agreed(cleaned, |part| match by_name(&PROVINCE_NAMES, part) {
            Some(code) => Part::Code(code),
            None if part == "ca" || short_country_in(part) == Some("CA") => Part::Neutral,
            None => Part::Unknown,
        })
    })
}

/// The code of the Postal Service for the armed forces, which stands for a state in their addresses.
pub(super) fn armed_forces_in(cleaned: &str) -> Option<&'static str> {
    // Most states are codes.
    if cleaned.len() < "armedforces".len() {
        return None;
    }
    let letters: String = cleaned.chars().filter(|c| c.is_alphabetic()).collect();
    let place = letters.strip_prefix("armedforces")?;
    match place {
        "europe" | "africa" | "canada" | "middleeast" | "europemiddleeastcanada" | "europeae" | "ae" => {
            Some("AE")
        }
        "pacific" | "ap" | "pacificap" => Some("AP"),
        "americas" | "america" | "aa" | "americasaa" => Some("AA"),
        _ => None,
    }
}

/// Returns true for words that forms offer beside the states, such as `Other` and `Please select`.
pub(super) fn is_no_state(cleaned: &str) -> bool {
    const WORDS: [&str; 12] = [
        "other",
        "others",
        "state",
        "province",
        "region",
        "international",
        "outsideus",
        "outsideusa",
        "outsidetheus",
        "nonus",
        "foreign",
        "default",
    ];
    const BEGINNINGS: [&str; 4] = ["pleaseselect", "select", "pleasechoose", "choose"];
    // Codes are shorter than the shortest of the words.
    if cleaned.len() < 5 {
        return false;
    }
    let letters: String = cleaned.chars().filter(|c| c.is_alphanumeric()).collect();
    WORDS.contains(&letters.as_str()) || BEGINNINGS.iter().any(|word| letters.starts_with(word))
}

/// The part of a text behind a country and a separator, if it begins with one of these countries.
fn behind_country<'a>(cleaned: &'a str, countries: &[&str]) -> Option<&'a str> {
    let at = cleaned.find(|c: char| !c.is_ascii_alphabetic())?;
    let (country, part) = cleaned.split_at(at);
    countries
        .contains(&country)
        .then(|| part.trim_start_matches(|c: char| !c.is_alphanumeric()))
}

/// Drops a cleaned text that is no alpha-2 code.
pub(super) fn known_country(cleaned: &str) -> Result<(), Dropped> {
    match countries::by_code(cleaned) {
        Some(_) => Ok(()),
        None => Err(Dropped::UnknownCountry),
    }
}

/// The code of a country in a cleaned text (no white space, lower case): named, by its alpha-3 or numeric code, by a locale
/// such as `en_us`, or by its name beside its code. Alpha-2 codes are not looked up, but for `uk`.
pub(super) fn country_in(cleaned: &str) -> Option<&'static str> {
    match cleaned.len() {
        2 if cleaned == "uk" => Some("GB"),
        0..=2 => countries::by_number(cleaned),
        _ if cleaned.len() > LONGEST => None,
        _ => by_name(&COUNTRY_NAMES, cleaned)
            .or_else(|| countries::by_number(cleaned))
            .or_else(|| locale::country_of(cleaned))
            .or_else(|| {
                agreed(cleaned, |part| {
                    let code = countries::by_code(part).or_else(|| short_country_in(part));
                    code.map_or(Part::Unknown, Part::Code)
                })
            }),
    }
}

/// The code of a province by its code.
fn province_by_code(code: &str) -> Option<&'static str> {
    two_letters(code).and_then(|code| by_name(&PROVINCE_NAMES, code))
}

fn short_country_in(part: &str) -> Option<&'static str> {
    match part {
        "uk" => Some("GB"),
        _ => by_name(&COUNTRY_NAMES, part),
    }
}

fn two_letters(cleaned: &str) -> Option<&str> {
    (cleaned.len() == 2 && cleaned.bytes().all(|b| b.is_ascii_alphabetic())).then_some(cleaned)
}

type ByName = HashMap<String, &'static str>;

/// Names are looked up by [`key`]; most texts are their own key.
fn by_name(names: &ByName, cleaned: &str) -> Option<&'static str> {
    let found = names.get(cleaned);
    if found.is_some() {
        return found.copied();
    }
    let own_key = cleaned.bytes().all(|b| b.is_ascii_alphanumeric())
        && !cleaned.starts_with("the")
        && !cleaned.ends_with("the");
    if own_key {
        None
    } else {
        names.get(&key(cleaned)).copied()
    }
}

/// Returns the key that spellings of a name share: its letters and digits without accents, `&` as `and`, no article
/// at the start or end of a part (`Bahamas, The`, `Netherlands (the)`). The text has no blanks and is in lower case.
fn key(cleaned: &str) -> String {
    let folded: String = cleaned.nfd().filter(|&c| !is_combining_mark(c)).collect();
    let mut key = String::with_capacity(folded.len());
    // Dots and apostrophes stand inside words: u.s.a., côte d'ivoire.
    let word_ends = |c: char| !c.is_alphanumeric() && !matches!(c, '.' | '\'' | '\u{2019}' | '`' | '&');
    for part in folded.split(word_ends) {
        let part = part.strip_prefix("the").unwrap_or(part);
        let part = part.strip_suffix("the").unwrap_or(part);
        for c in part.chars() {
            match c {
                '&' => key.push_str("and"),
                _ if c.is_alphanumeric() => key.push(c),
                _ => {}
            }
        }
    }
    key
}

fn key_of_name(name: &str) -> String {
    let mut cleaned = String::new();
    text::clean(name, &mut cleaned);
    key(&cleaned)
}

static STATE_NAMES: LazyLock<ByName> = LazyLock::new(|| {
    let of = |state: &'static State| state.names().map(|name| (key_of_name(name), state.code));
    // "d.c." and the like: a code spelled with dots has a key of two letters.
    STATES
        .iter()
        .flat_map(|state| of(state).chain([(state.code.to_ascii_lowercase(), state.code)]))
        .collect()
});

static PROVINCE_NAMES: LazyLock<ByName> = LazyLock::new(|| {
    let of = |(code, names): &(&'static str, &[&str])| {
        let code = *code;
        let keys: Vec<String> = names.iter().map(|name| key_of_name(name)).collect();
        keys.into_iter()
            .chain([code.to_ascii_lowercase()])
            .map(move |key| (key, code))
    };
    provinces::PROVINCES.iter().flat_map(of).collect()
});

static COUNTRY_NAMES: LazyLock<ByName> = LazyLock::new(|| {
    let of = |country: &'static Country| {
        let names = country.names().map(|name| (key_of_name(name), country.alpha2));
        names.chain([(country.alpha3.to_ascii_lowercase(), country.alpha2)])
    };
    COUNTRIES.iter().flat_map(of).collect()
});

static STATE_HASHES: LazyLock<HashMap<Sha256Hex, &'static str>> = LazyLock::new(|| {
    let mut hashes = HashMap::new();
    for state in STATES.iter() {
        let iso = format!("US-{}", state.code);
        add_spellings(&mut hashes, state.names().chain([state.code]), state.code);
        add_spellings(&mut hashes, std::iter::once(iso.as_str()), state.code);
    }
    hashes
});

static COUNTRY_HASHES: LazyLock<HashMap<Sha256Hex, &'static str>> = LazyLock::new(|| {
    let mut hashes = HashMap::new();
    for country in COUNTRIES.iter() {
        let texts = country.names().chain([country.alpha2, country.alpha3]);
        add_spellings(&mut hashes, texts, country.alpha2);
    }
    add_spellings(&mut hashes, ["UK"].into_iter(), "GB");
    hashes
});

/// Adds what senders hash: the text as it is, in lower and in upper case, each with and without its blanks.
fn add_spellings<'a>(
    hashes: &mut HashMap<Sha256Hex, &'static str>,
    texts: impl Iterator<Item = &'a str>,
    code: &'static str,
) {
    for text in texts {
        for spelling in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
            // First come, first served: names are unique, a test holds that.
            hashes
                .entry(Sha256Hex::of(&spelling.replace(' ', "")))
                .or_insert(code);
            hashes.entry(Sha256Hex::of(&spelling)).or_insert(code);
        }
    }
}

#[cfg(test)]
mod tests;
