//! Sets of normalising rules as data: for each field the steps to its normal form.
//!
//! | field | [`PINTEREST`] | [`SEGMENT`] |
//! |---|---|---|
//! | e-mail, names, external id, advertising id, street | no white space, lower case | the same |
//! | phone | digits of any script as ASCII, leading zeros dropped | ASCII digits |
//! | gender | `f`, `m`, `n` from common English spellings | three exact words, others unchanged |
//! | date of birth | any unambiguous date as YYYYMMDD | no white space, lower case |
//! | city | letters and digits of any script, lower case | no white space, lower case |
//! | state | US names, `US-CA` → two letters; others as `segment` | no white space, lower case |
//! | zip | digits; ZIP+4 → five digits; codes with letters keep letters and digits | no white space, lower case |
//! | country | ISO and common English names, alpha-3 → alpha-2; others as `segment` | no white space, lower case |

use super::field::{Dropped, Field};

/// A named set of rules. Without any step, a field's normal form is its text in lower case without white space.
#[derive(Debug)]
pub struct Rules {
    name: &'static str,
    screened: bool,
    steps: [&'static [Step]; Field::ALL.len()],
}

impl Rules {
    /// Creates a set from the steps of each field that needs some.
    ///
    /// `screened` rules drop values that cannot be an identity (placeholders, hashes other than SHA-256), remove
    /// invisible characters, compose Unicode to NFC, and recognise SHA-256 hashes in any letter case and spacing. Rules
    /// that are not screened hash every text, and pass on 64 hexadecimal digits as they are.
    pub const fn new(name: &'static str, screened: bool, forms: &[(Field, &'static [Step])]) -> Rules {
        let mut steps: [&'static [Step]; Field::ALL.len()] = [&[]; Field::ALL.len()];
        let mut at = 0;
        while at < forms.len() {
            steps[forms[at].0 as usize] = forms[at].1;
            at += 1;
        }
        Rules {
            name,
            screened,
            steps,
        }
    }

    /// Returns the name that users write and that the facts of an event carry.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns true if the rules drop values that cannot be an identity; see [`Rules::new`].
    #[inline]
    pub fn screened(&self) -> bool {
        self.screened
    }

    #[inline]
    pub(super) fn steps(&self, field: Field) -> &'static [Step] {
        self.steps[field as usize]
    }
}

/// A step from a text in lower case without white space to the normal form of its field.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Drops a text that is no e-mail address: one `@` with something on both sides.
    EmailAddress,
    /// Keeps digits of any script, as ASCII.
    Digits,
    /// Keeps ASCII digits.
    AsciiDigits,
    /// Removes leading zeros; no country code is invented.
    NoLeadingZeros,
    /// Puts a text before the value, such as the `+` of E.164.
    Prefix(&'static str),
    /// Replaces known words by their codes.
    Codes(&'static Codes),
    /// Turns any unambiguous date into YYYYMMDD.
    Birthday,
    /// Keeps letters and digits of any script; accents and vowel signs are part of letters.
    LettersAndDigits,
    /// Turns names of US states and `us-ca` into two letters.
    State,
    /// Turns names of countries and alpha-3 codes into alpha-2 codes.
    Country,
    /// Keeps the first five digits of a ZIP+4, and letters and digits of other postal codes.
    PostalCode,
}

/// Words and their codes.
#[derive(Debug)]
pub struct Codes {
    /// Each code with the words that stand for it, separated by spaces.
    pub words: &'static [(&'static str, &'static str)],
    /// Treatment of punctuation: words are compared with it, or without it.
    pub punctuation: bool,
    /// Reason to drop other words; `None` leaves them unchanged.
    pub unknown: Option<Dropped>,
}

/// Pinterest's published rules (Conversions API, OpenAPI 5.23.0 and the developer pages on hashing).
pub static PINTEREST: Rules = Rules::new(
    "pinterest",
    true,
    &[
        (Field::Email, &[Step::EmailAddress]),
        (Field::Phone, &[Step::Digits, Step::NoLeadingZeros]),
        (Field::Gender, &[Step::Codes(&GENDERS)]),
        (Field::DateOfBirth, &[Step::Birthday]),
        (Field::City, &[Step::LettersAndDigits]),
        (Field::State, &[Step::State]),
        (Field::Zip, &[Step::PostalCode]),
        (Field::Country, &[Step::Country]),
    ],
);

/// The treatment in Segment's open-source destination, byte for byte; see [`segment`](super::segment) for values that only
/// this mode may send.
pub static SEGMENT: Rules = Rules::new(
    "segment",
    false,
    &[
        (Field::Phone, &[Step::AsciiDigits]),
        (Field::Gender, &[Step::Codes(&SEGMENT_GENDERS)]),
    ],
);

/// Genders in common English spellings. `x` (passports), `other` and `diverse` are read as `n`, neither.
static GENDERS: Codes = Codes {
    words: &[
        ("m", "m male man men boy"),
        ("f", "f female w woman women girl"),
        (
            "n",
            "n nonbinary nb enby x other diverse genderqueer genderfluid agender neutral genderneutral",
        ),
    ],
    punctuation: false,
    unknown: Some(Dropped::UnknownGender),
};

static SEGMENT_GENDERS: Codes = Codes {
    words: &[("m", "male"), ("f", "female"), ("n", "non-binary")],
    punctuation: true,
    unknown: None,
};
