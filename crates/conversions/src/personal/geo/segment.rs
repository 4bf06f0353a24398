//! The names of states and countries that Segment's destination knows, for rules that follow it.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{COUNTRIES, STATES};

/// Names in lower case without white space, and the codes that replace them.
#[derive(Debug)]
pub struct Names(LazyLock<HashMap<String, &'static str>>);

impl Names {
    /// Returns the code of a name.
    pub(in super::super) fn code(&self, cleaned: &str) -> Option<&'static str> {
        self.0.get(cleaned).copied()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The states by their names, without the district and the territories.
pub(in super::super) static FIFTY_STATES: Names = Names(LazyLock::new(|| {
    let states = STATES.iter().filter(|state| !NOT_STATES.contains(&state.code));
    states
        .filter_map(|state| Some((key(state.names().next()?), state.code)))
        .collect()
}));

const NOT_STATES: [&str; 7] = ["DC", "AS", "GU", "MP", "PR", "UM", "VI"];

/// The countries, each by its first name in the table or by those of [`OTHER_NAMES`].
pub(in super::super) static COUNTRY_NAMES_OF_SEGMENT: Names = Names(LazyLock::new(|| {
    let others = |alpha2: &str| OTHER_NAMES.iter().any(|(code, _)| *code == alpha2);
    let first = COUNTRIES.iter().filter(|country| !others(country.alpha2));
    let first = first.filter_map(|country| Some((key(country.names().next()?), country.alpha2)));
    let named = OTHER_NAMES.iter().filter(|(_, name)| !name.is_empty());
    first
        .chain(named.map(|(code, name)| (key(name), *code)))
        .collect()
}));

/// The countries that Segment calls otherwise (the Netherlands Antilles have left ISO 3166), and those it does not know.
const OTHER_NAMES: [(&str, &str); 28] = [
    ("AN", "Netherlands Antilles"),
    ("BQ", ""),
    ("CD", "Congo, Democratic Republic"),
    ("CV", "Cape Verde"),
    ("CW", ""),
    ("CZ", "Czech Republic"),
    ("FM", "Micronesia, Federated States of"),
    ("GB", "United Kingdom"),
    ("GS", "South Georgia and Sandwich Isl."),
    ("HM", "Heard Island & McDonald Islands"),
    ("IR", "Iran, Islamic Republic of"),
    ("KP", ""),
    ("KR", "Korea"),
    ("LY", "Libyan Arab Jamahiriya"),
    ("MF", "Saint Martin"),
    ("MK", "Macedonia"),
    ("PS", "Palestine"),
    ("PS", "Palestinian Territory, Occupied"),
    ("SH", "Saint Helena"),
    ("SS", ""),
    ("SX", ""),
    ("SZ", "Swaziland"),
    ("TR", "Turkey"),
    ("UM", "United States Outlying Islands"),
    ("VA", "Holy See (Vatican City State)"),
    ("VC", "Saint Vincent and Grenadines"),
    ("VG", "Virgin Islands, British"),
    ("VI", "Virgin Islands, U.S."),
];

fn key(name: &str) -> String {
    let letters = name.nfd().filter(|&c| c != ' ' && !is_combining_mark(c));
    letters.collect::<String>().to_lowercase()
}
