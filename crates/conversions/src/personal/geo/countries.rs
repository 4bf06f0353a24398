//! The countries of ISO 3166-1, read from `countries.tsv`.

use std::sync::LazyLock;

/// A country or territory with a code in ISO 3166-1.
#[derive(Debug, Clone, Copy)]
pub struct Country {
    /// Two letters, upper case.
    pub alpha2: &'static str,
    /// Three letters, upper case.
    pub alpha3: &'static str,
    /// Three digits.
    pub numeric: &'static str,
    names: &'static str,
}

impl Country {
    /// Names in their usual spelling: common ones, the ISO short name, former and a few native ones.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.names.split('\t')
    }

    fn read(line: &'static str) -> Option<Country> {
        let (alpha2, rest) = line.split_once('\t')?;
        let (alpha3, rest) = rest.split_once('\t')?;
        let (numeric, names) = rest.split_once('\t')?;
        Some(Country {
            alpha2,
            alpha3,
            numeric,
            names,
        })
    }
}

/// One line per country: alpha-2 code, alpha-3 code, numeric code, names.
pub(super) const TABLE: &str = include_str!("countries.tsv");

/// All countries, by alpha-2 code.
pub static COUNTRIES: LazyLock<Vec<Country>> =
    LazyLock::new(|| TABLE.lines().filter_map(Country::read).collect());

/// Returns the code itself if a cleaned text (lower case) is the alpha-2 code of a country.
pub(super) fn by_code(cleaned: &str) -> Option<&'static str> {
    CODES.get(code_index(cleaned)?).copied().flatten()
}

/// The alpha-2 codes by their letters, since nearly every event has one.
static CODES: LazyLock<Vec<Option<&'static str>>> = LazyLock::new(|| {
    let mut codes = vec![None; 26 * 26];
    for country in COUNTRIES.iter() {
        if let Some(code) = code_index(country.alpha2).and_then(|at| codes.get_mut(at)) {
            *code = Some(country.alpha2);
        }
    }
    codes
});

/// Returns the place of two letters of either case among all pairs of letters.
fn code_index(code: &str) -> Option<usize> {
    let [first, second] = *code.as_bytes() else {
        return None;
    };
    let letter = |byte: u8| {
        Some(usize::from(
            byte.to_ascii_lowercase()
                .checked_sub(b'a')
                .filter(|at| *at < 26)?,
        ))
    };
    Some(letter(first)? * 26 + letter(second)?)
}

/// Returns the country of a numeric code, whose leading zeros may be missing.
pub(super) fn by_number(cleaned: &str) -> Option<&'static str> {
    if cleaned.is_empty() || cleaned.len() > 3 || !cleaned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let found = COUNTRIES
        .iter()
        .find(|country| country.numeric.trim_start_matches('0') == cleaned.trim_start_matches('0'))?;
    Some(found.alpha2)
}
