//! Hashes of placeholders. They arrive from sites that hash a field without a look at its value.

use std::sync::LazyLock;

use signalbox_core::Sha256Hex;

use super::{Placeholder, words};

/// The first 16 digits of a hash as two numbers, and the meaning of the placeholder; `None` for an id of zeros.
type Entry = (u64, u64, Option<Placeholder>);

/// Hashes of placeholders: the first 16 digits of each, by their first digits.
static HASHES: LazyLock<Vec<Vec<Entry>>> = LazyLock::new(|| {
    let mut table = vec![Vec::new(); BUCKETS];
    let mut add = |text: &str, meaning| {
        let hash = Sha256Hex::of(text);
        let (first, second) = halves(hash.as_bytes());
        let bucket: &mut Vec<Entry> = &mut table[bucket(first)];
        if !bucket.contains(&(first, second, meaning)) {
            bucket.push((first, second, meaning));
        }
    };
    // The hash of a blank is no value in any field.
    for blank in [
        "", " ", "  ", "\t", "\n", "\r\n", "\u{a0}", "\u{200b}", "\u{feff}", "+",
    ] {
        add(blank, Some(Placeholder::Always));
    }
    for (word, meaning) in words() {
        let spaced = SPACED
            .iter()
            .filter(|(joined, _)| *joined == word)
            .map(|(_, spaced)| *spaced);
        for word in std::iter::once(word).chain(spaced) {
            add(word, Some(meaning));
            add(&word.to_ascii_uppercase(), Some(meaning));
            add(&capitalised(word, true), Some(meaning));
            add(&capitalised(word, false), Some(meaning));
        }
    }
    for meaningless in MEANINGLESS {
        add(meaningless, Some(Placeholder::Always));
    }
    for zero in [
        "0",
        "00",
        "0000",
        "0000000000",
        "00000000-0000-0000-0000-000000000000",
        "00000000000000000000000000000000",
        "00000000-0000-0000-0000-000000000001",
    ] {
        add(zero, None);
    }
    table
});

/// Further texts, as they stand.
#[rustfmt::skip]
const MEANINGLESS: &[&str] = &[
    "-", "--", "---", ".", "*", "***", "?", "_", "{}", "[]", "\"\"", "''", "(not set)", "(Not Set)", "(none)", "(null)", "<null>",
    "[object Object]", "[object object]", "(not provided)",
];

const BUCKETS: usize = 1024;

/// Words of several words as people write them, which their hashes hold.
#[rustfmt::skip]
pub(super) const SPACED: &[(&str, &str)] = &[
    ("notset", "not set"), ("notavailable", "not available"), ("notprovided", "not provided"),
    ("notapplicable", "not applicable"),
    ("guestuser", "guest user"), ("guestcustomer", "guest customer"), ("anonymoususer", "anonymous user"),
    ("unknownuser", "unknown user"), ("noname", "no name"), ("noemail", "no email"), ("notloggedin", "not logged in"),
    ("adidnotavailable", "adid not available"), ("nodata", "no data"), ("novalue", "no value"), ("nullnull", "null null"),
    ("undefinedundefined", "undefined undefined"),
];

/// The word with a capital at its beginning, or of each of its words.
fn capitalised(word: &str, each: bool) -> String {
    let mut start = true;
    let capital = |c: char| {
        let upper = start && c.is_ascii_alphabetic();
        start = if c.is_ascii_alphabetic() {
            false
        } else {
            start || each && c == ' '
        };
        if upper { c.to_ascii_uppercase() } else { c }
    };
    word.chars().map(capital).collect()
}

fn halves(hash: &[u8; 64]) -> (u64, u64) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *hash;
    (
        u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        u64::from_le_bytes([i, j, k, l, m, n, o, p]),
    )
}

fn bucket(first: u64) -> usize {
    // Hexadecimal digits differ in their lower bits; a multiplication mixes all of them into the upper ones.
    (first.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
}

/// The origin of a SHA-256 that is no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashOf {
    /// A word, in one of the common letter cases, or a blank text.
    Placeholder(Placeholder),
    /// An id of zeros.
    ZeroId,
}

/// Returns the placeholder that 64 hexadecimal digits in lower case are the hash of.
pub fn hash_of(digits: &str) -> Option<HashOf> {
    let (first, second) = halves(digits.as_bytes().first_chunk()?);
    let same = HASHES.get(bucket(first))?;
    let (_, _, meaning) = same.iter().find(|known| (known.0, known.1) == (first, second))?;
    Some(meaning.map_or(HashOf::ZeroId, HashOf::Placeholder))
}
