//! The hashed values that Segment's open-source destination sends, for `compat = "segment"` alone.
//!
//! The tests are made in this order for each value: blank after trimming → `""`; exactly 64 hexadecimal digits of
//! either case → passed on unchanged; cleaned; if nothing is left (a phone without digits) the whole event fails;
//! SHA-256. Golden tests compare with the output of Segment's open-source code.

use signalbox_core::Sha256Hex;

use super::field::{Dropped, Field};
use super::normalise::{Form, normalise};
use super::rules::SEGMENT;

/// The text that Segment puts into a hashed field. **`compat = "segment"` only**: vendors ask for lower-case SHA-256 and
/// nothing else. Never holds plain text.
#[derive(Clone, Copy)]
pub struct SegmentHash<'t>(Kind<'t>);

#[derive(Clone, Copy)]
enum Kind<'t> {
    /// A SHA-256 in lower case.
    Hash(Sha256Hex),
    /// 64 hexadecimal digits, which Segment passes on as they came, upper case or lower.
    AsGiven(&'t str),
    /// The text was blank: Segment keeps `""` as an entry of the array.
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
}

/// Hashes a value exactly as Segment does.
///
/// Lone surrogates must have become U+FFFD, and numbers and booleans text, before.
///
/// # Errors
/// [`Dropped::NoDigits`] alone: a phone without ASCII digits, for which Segment fails the whole event
/// (`EmptyValueError`).
pub fn hash<'t>(field: Field, text: &'t str, scratch: &mut String) -> Result<SegmentHash<'t>, Dropped> {
    let kind = match normalise(field, &SEGMENT, text, scratch) {
        Ok(Form::Plain) => Kind::Hash(Sha256Hex::of(scratch)),
        Ok(Form::Hashed) => Kind::AsGiven(text),
        Err(Dropped::Empty) => Kind::Blank,
        Err(other) => return Err(other),
    };
    Ok(SegmentHash(kind))
}
