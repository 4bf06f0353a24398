//! The hashed values that Segment's open-source destinations send, for `compat = "segment"` alone.
//!
//! A blank value gives a blank; a value that the rules take for a hash passes unchanged; others are normalised and hashed.
//! Golden tests compare with the output of Segment's open-source code.

use signalbox_core::Sha256Hex;

use super::field::{Dropped, Field};
use super::normalise::{Form, normalise};
use super::step::Rules;

/// The text that Segment puts into a hashed field. **`compat = "segment"` only**: vendors ask for lower-case SHA-256 and
/// nothing else. Holds plain text where Segment takes a text with 64 hexadecimal digits in it for a hash
/// ([`Reading::HoldsHashOrClean`](super::rules::Reading::HoldsHashOrClean)).
#[derive(Clone, Copy)]
pub struct SegmentHash<'t>(Kind<'t>);

#[derive(Clone, Copy)]
enum Kind<'t> {
    /// A SHA-256 in lower case.
    Hash(Sha256Hex),
    /// A text that Segment takes for a hash and passes on as it came.
    AsGiven(&'t str),
    /// The text was blank. Segment's destinations differ: `""`, or nothing.
    Blank,
}

impl SegmentHash<'_> {
    /// Returns the text Segment sends.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kind::Hash(hash) => hash.as_str(),
            Kind::AsGiven(hex) => hex,
            Kind::Blank => "",
        }
    }

    /// Returns true for a blank value.
    pub fn is_blank(&self) -> bool {
        matches!(self.0, Kind::Blank)
    }
}

/// Hashes a value exactly as Segment does, by the rules of one of its destinations.
///
/// Lone surrogates must have become U+FFFD, and numbers and booleans text, before.
///
/// # Errors
/// The reason why Segment has no hash for a value that is not blank: a phone without ASCII digits, an unknown gender.
pub fn hash<'t>(
    field: Field,
    rules: &Rules,
    text: &'t str,
    scratch: &mut String,
) -> Result<SegmentHash<'t>, Dropped> {
    let kind = match normalise(field, rules, text, scratch) {
        Ok(Form::Plain) => Kind::Hash(Sha256Hex::of(scratch)),
        Ok(Form::Hashed) => Kind::Hash(Sha256Hex::from_prehashed(scratch).ok_or(Dropped::ForeignHash)?),
        Ok(Form::Given) => Kind::AsGiven(text),
        Err(Dropped::Empty) => Kind::Blank,
        Err(other) => return Err(other),
    };
    Ok(SegmentHash(kind))
}
