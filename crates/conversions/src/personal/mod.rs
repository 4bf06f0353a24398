//! Normalising and hashing of personal fields: what Pinterest asks for, and what Segment's destination does.
//!
//! What comes out depends on what goes in and nothing else. [`normalise`] brings one value of one [`Field`] into the form that is hashed, [`hash`]
//! hashes it. Both work in a scratch buffer that the caller keeps, so that ASCII values, nearly all there are, cost
//! no allocation. Hashes of fields with few values are kept by each thread ([`hash`]).
//!
//! Two sets of [`Rules`] exist. `pinterest` is Pinterest's published wording (Conversions API, OpenAPI 5.23.0 and the
//! developer pages on hashing), and it leaves out what cannot be an identity. `segment` is what Segment's open-source
//! `pinterest-conversions` destination sends, byte for byte; see [`segment`] for values only that mode may send.
//!
//! Privacy: no error of this module carries a value, only a [`Dropped`] code.

mod birthday;
mod gender;
pub mod geo;
mod hash_cache;
mod name;
mod pinterest;
mod placeholders;
pub mod segment;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_core::Sha256Hex;

pub use name::split_name;

/// Which rules personal fields are normalised by before hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rules {
    /// Pinterest's own published rules; junk is left out with a warning. The default.
    #[default]
    Pinterest,
    /// Exactly what Segment's destination does, junk included.
    Segment,
}

/// The kinds of personal fields that are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// An e-mail address (`em`).
    Email,
    /// A phone number (`ph`).
    Phone,
    /// A given name (`fn`).
    FirstName,
    /// A family name (`ln`).
    LastName,
    /// A gender (`ge`).
    Gender,
    /// A date of birth (`db`).
    DateOfBirth,
    /// A city (`ct`).
    City,
    /// A state or region (`st`).
    State,
    /// A postal code (`zp`).
    Zip,
    /// A country (`country`).
    Country,
    /// The advertiser's own id of a user (`external_id`).
    ExternalId,
    /// An advertising id of a device: IDFA, GAID (`hashed_maids`).
    MobileAdId,
    /// A street; Pinterest has no field for it, but it is personal and `hash_pii` hashes it.
    Street,
}

impl Field {
    /// Every field, in the order Pinterest's table has them.
    pub const ALL: [Field; 13] = [
        Field::Email,
        Field::Phone,
        Field::FirstName,
        Field::LastName,
        Field::Gender,
        Field::DateOfBirth,
        Field::City,
        Field::State,
        Field::Zip,
        Field::Country,
        Field::ExternalId,
        Field::MobileAdId,
        Field::Street,
    ];
}

/// Why a value has no normalised form. The code is stable and safe to log; the value never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// Nothing was there, or nothing is left after normalising. Absent, not worth a warning when the text was blank.
    Empty,
    /// A placeholder such as `null`, `n/a` or the all-zero advertising id.
    Junk,
    /// An e-mail without exactly one `@` between two non-empty halves.
    NotAnEmail,
    /// Several e-mail addresses in one text; send them as an array.
    SeveralValues,
    /// An MD5, SHA-1 or other hash that is not SHA-256: hashing it again could never match.
    ForeignHash,
    /// A phone number without a digit other than leading zeros. Under [`Rules::Segment`]: without any digit, and
    /// there the whole event is an error.
    NoDigits,
    /// A gender that is none of the known spellings.
    UnknownGender,
    /// A date of birth that is no date.
    UnreadableDate,
    /// A date of birth that can be read in two ways, such as 01/02/1990.
    AmbiguousDate,
}

impl Dropped {
    /// The stable code: a warning code and metric label.
    pub fn code(self) -> &'static str {
        match self {
            Dropped::Empty => "empty",
            Dropped::Junk => "junk",
            Dropped::NotAnEmail => "not_an_email",
            Dropped::SeveralValues => "several_values",
            Dropped::ForeignHash => "foreign_hash",
            Dropped::NoDigits => "no_digits",
            Dropped::UnknownGender => "unknown_gender",
            Dropped::UnreadableDate => "unreadable_date",
            Dropped::AmbiguousDate => "ambiguous_date",
        }
    }

    /// The reason in words, without the value.
    pub fn message(self) -> &'static str {
        match self {
            Dropped::Empty => "nothing is left of the value after normalising",
            Dropped::Junk => "the value is a placeholder, not an identity",
            Dropped::NotAnEmail => "the value is not an e-mail address",
            Dropped::SeveralValues => "the text holds several addresses; send an array",
            Dropped::ForeignHash => "the value is a hash other than SHA-256",
            Dropped::NoDigits => "the phone number has no digits",
            Dropped::UnknownGender => "the gender is none of the known spellings",
            Dropped::UnreadableDate => "the date of birth is not a date",
            Dropped::AmbiguousDate => "the date of birth can be read in two ways; write it as YYYY-MM-DD",
        }
    }
}

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Dropped {}

/// What [`normalise`] left in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Plain text, ready to be hashed.
    Plain,
    /// 64 hexadecimal digits: the value was hashed already and must not be hashed again. Lower case under
    /// [`Rules::Pinterest`], as given under [`Rules::Segment`].
    Hashed,
}

/// Brings a value into the form that is hashed, in `out` (cleared first).
///
/// | field | `pinterest` | `segment` |
/// |---|---|---|
/// | e-mail, names, external id, advertising id, street | no white space, lower case | the same |
/// | phone | digits of any script as ASCII, leading zeros dropped | ASCII digits |
/// | gender | `f`, `m`, `n` from common English spellings | three exact words, else as it is |
/// | date of birth | any unambiguous date as YYYYMMDD | no white space, lower case |
/// | city | letters and digits of any script, lower case | no white space, lower case |
/// | state | US names, `US-CA` → two letters; else as `segment` | no white space, lower case |
/// | zip | digits; ZIP+4 → five digits; codes with letters keep letters and digits | no white space, lower case |
/// | country | ISO and common English names, alpha-3 → alpha-2; else as `segment` | no white space, lower case |
///
/// White space is JavaScript's set ([`signalbox_segment::value::is_js_space`]) everywhere. `pinterest` also brings text to Unicode NFC, drops
/// characters that are never seen (zero-width blanks, direction marks), and leaves out junk.
///
/// A value that is a SHA-256 already gives [`Form::Hashed`]: 64 hexadecimal digits, under `pinterest` white space
/// around or inside does not matter.
///
/// # Errors
/// A [`Dropped`] when nothing can be sent for the value; `out` is then unspecified.
pub fn normalise(field: Field, rules: Rules, text: &str, out: &mut String) -> Result<Form, Dropped> {
    out.clear();
    match rules {
        Rules::Pinterest => pinterest::normalise(field, text, out),
        Rules::Segment => segment::normalise(field, text, out),
    }
}

/// Normalises and hashes a value, or passes it on if it is hashed already. `scratch` may hold anything; it is left
/// holding plain text, so keep it as private as the value.
///
/// The empty text is never hashed. Idempotent: the hash of a hash is that hash. Under [`Rules::Segment`] this is what
/// Segment sends except for the values [`segment::hash`] has more kinds for: hashes in upper case come out in lower
/// case here, and blank texts are [`Dropped::Empty`].
///
/// # Errors
/// As [`normalise`].
pub fn hash(field: Field, rules: Rules, text: &str, scratch: &mut String) -> Result<Sha256Hex, Dropped> {
    let mut work_out = || match normalise(field, rules, text, scratch)? {
        Form::Plain => Ok(Sha256Hex::of(scratch)),
        // The buffer holds 64 digits by the contract of `Form::Hashed`.
        Form::Hashed => Sha256Hex::from_prehashed(scratch).ok_or(Dropped::Empty),
    };
    match rules {
        Rules::Pinterest => hash_cache::get_or(field, text, work_out),
        Rules::Segment => work_out(),
    }
}

#[cfg(test)]
mod tests;
