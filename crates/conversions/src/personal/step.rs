//! Rules as data: the reading of a field's values, then steps to their normal form.

use super::field::{Dropped, Field};
use super::geo::Names;

/// A named set of rules. Without any step, a field's normal form is the text that its [`Reading`] leaves.
#[derive(Debug)]
pub struct Rules {
    name: &'static str,
    screened: bool,
    suffixed_hashes: bool,
    both_forms: [bool; Field::ALL.len()],
    readings: [Reading; Field::ALL.len()],
    steps: [&'static [Step]; Field::ALL.len()],
}

impl Rules {
    /// Creates a set from the reading of all fields, and the steps of each field that needs some.
    pub const fn new(name: &'static str, reading: Reading, forms: &[(Field, &'static [Step])]) -> Rules {
        let mut steps: [&'static [Step]; Field::ALL.len()] = [&[]; Field::ALL.len()];
        let mut at = 0;
        while at < forms.len() {
            steps[forms[at].0 as usize] = forms[at].1;
            at += 1;
        }
        Rules {
            name,
            screened: matches!(reading, Reading::Screened),
            suffixed_hashes: false,
            both_forms: [false; Field::ALL.len()],
            readings: [reading; Field::ALL.len()],
            steps,
        }
    }

    /// Reads some fields in another way.
    pub const fn reading(mut self, reading: Reading, fields: &[Field]) -> Rules {
        let mut at = 0;
        while at < fields.len() {
            self.readings[fields[at] as usize] = reading;
            at += 1;
        }
        self
    }

    /// Takes `<SHA-256>.<2 or 8 characters>`, as a browser library writes hashes, for the SHA-256.
    pub const fn suffixed_hashes(mut self) -> Rules {
        self.suffixed_hashes = true;
        self
    }

    /// Hashes a second form of these fields where it differs, since the vendor does not say which one it knows: a name with
    /// its inner blanks, an id as it was given.
    pub const fn both_forms(mut self, fields: &[Field]) -> Rules {
        let mut at = 0;
        while at < fields.len() {
            self.both_forms[fields[at] as usize] = true;
            at += 1;
        }
        self
    }

    #[inline]
    pub(super) fn has_both_forms(&self, field: Field) -> bool {
        self.both_forms[field as usize]
    }

    /// Returns true for a field of which a value has one hash, in each country the same.
    #[inline]
    pub fn has_one_hash(&self, field: Field) -> bool {
        !self.has_both_forms(field) && !matches!(field, Field::Phone | Field::Zip)
    }

    /// Returns the name that users write and that the facts of an event carry.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns true if the rules drop values that cannot be an identity; see [`Reading::Screened`].
    #[inline]
    pub fn screened(&self) -> bool {
        self.screened
    }

    #[inline]
    pub(super) fn takes_suffixed_hashes(&self) -> bool {
        self.suffixed_hashes
    }

    #[inline]
    pub(super) fn reading_of(&self, field: Field) -> Reading {
        self.readings[field as usize]
    }

    #[inline]
    pub(super) fn steps(&self, field: Field) -> &'static [Step] {
        self.steps[field as usize]
    }
}

/// The treatment of a value before its steps: white space, letter case, and values that are hashes already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Drops values that cannot be an identity (placeholders, hashes other than SHA-256), removes white space and
    /// invisible characters, lower-cases, composes Unicode to NFC, and recognises a SHA-256 in any letter case and
    /// spacing.
    Screened,
    /// Passes on 64 hexadecimal digits as given; else removes white space and lower-cases.
    HashOrClean,
    /// Removes white space and lower-cases; then passes on 64 hexadecimal digits.
    CleanThenHash,
    /// Lower-cases; then passes on 64 hexadecimal digits.
    LowerThenHash,
    /// Passes on a text as given that holds 64 hexadecimal digits in a row; else removes white space and lower-cases.
    HoldsHashOrClean,
    /// Removes white space and lower-cases. The field is not hashed, so no value of it counts as a hash.
    Clean,
}

/// A step to the normal form of a field, from the text that the [`Reading`] left.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Drops a text that is no e-mail address: one `@` with something on both sides.
    EmailAddress,
    /// Drops a text whose given form has white space inside, since removing it makes another address.
    OneWord,
    /// Takes the given text again, without white space at its ends.
    AsGiven,
    /// Lower-cases, and composes Unicode to NFC.
    LowerCase,
    /// Keeps ASCII digits.
    AsciiDigits,
    /// Drops a text of which nothing is left, for this reason.
    Required(Dropped),
    /// Reads phone numbers, by the rules of their country where it is known, and brings them to this form. It is the only
    /// step of a field.
    Phone(PhoneForm),
    /// Puts a text before the value.
    Prefix(&'static str),
    /// Cuts an ASCII text to at most this number of characters.
    AtMost(usize),
    /// Replaces known words by their codes.
    Codes(&'static Codes),
    /// Replaces known names by their codes.
    Names(&'static Names),
    /// Turns any unambiguous date into YYYYMMDD.
    Birthday,
    /// Removes ASCII punctuation.
    NoPunctuation,
    /// Keeps letters and digits of any script; accents and vowel signs are part of letters.
    LettersAndDigits,
    /// Keeps ASCII letters and digits of the given text, and lower-cases.
    AsciiLettersAndDigits,
    /// Turns names of US states, `us-ca` and `new york (ny)` into two letters; drops words such as `other`.
    State,
    /// Turns names of Canadian provinces and `ca-on` into two letters.
    Province,
    /// Turns names of countries, alpha-3 and numeric codes, and locales into alpha-2 codes.
    Country,
    /// Drops a text that is no alpha-2 code of a country.
    CountryCode,
    /// Keeps the first five digits of a ZIP+4, and letters and digits of other postal codes, without prefixes of countries
    /// and with lost zeros.
    PostalCode,
}

/// The form of phone numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneForm {
    /// Digits with the country calling code, without it where the country is unknown.
    Digits,
    /// E.164 with its `+`; a number whose country is unknown is dropped.
    E164,
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
