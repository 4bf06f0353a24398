//! The hashed values that Segment's open-source destination sends, for `compat = "segment"` alone.
//!
//! The tests are made in this order for each value: blank after trimming → `""`; exactly 64 hexadecimal digits of
//! either case → passed on unchanged; cleaned; if nothing is left (a phone without digits) the whole event fails;
//! SHA-256. Golden tests compare with the output of Segment's open-source code.

use std::fmt;

use signalbox_core::Sha256Hex;

use super::field::{Dropped, Field};
use super::normalise::{Form, normalise};
use super::rules::SEGMENT;

/// A value that Segment puts into a hashed field. **`compat = "segment"` only**: vendors ask for lower-case SHA-256 and
/// nothing else. Never holds plain text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// A SHA-256 in lower case.
    Hash(Sha256Hex),
    /// A hash that came with upper-case digits, which Segment passes on as it came.
    AsGiven(HexAsGiven),
    /// The text was blank: Segment keeps `""` as an entry of the array.
    Blank,
}

impl Value {
    /// The text Segment sends.
    pub fn as_str(&self) -> &str {
        match self {
            Value::Hash(hash) => hash.as_str(),
            Value::AsGiven(hex) => hex.as_str(),
            Value::Blank => "",
        }
    }
}

/// 64 hexadecimal digits, some of them in upper case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HexAsGiven([u8; 64]);

impl HexAsGiven {
    /// The digits as they came.
    pub fn as_str(&self) -> &str {
        // Made from 64 ASCII digits only.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for HexAsGiven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HexAsGiven({}…)", &self.as_str()[..8])
    }
}

/// Hashes a value exactly as Segment does.
///
/// Lone surrogates must have become U+FFFD, and numbers and booleans text, before.
///
/// # Errors
/// [`Dropped::NoDigits`] alone: a phone without ASCII digits, for which Segment fails the whole event
/// (`EmptyValueError`).
pub fn hash(field: Field, text: &str, scratch: &mut String) -> Result<Value, Dropped> {
    match normalise(field, &SEGMENT, text, scratch) {
        Ok(Form::Plain) => Ok(Value::Hash(Sha256Hex::of(scratch))),
        Ok(Form::Hashed) => Ok(as_given(text)),
        Err(Dropped::Empty) => Ok(Value::Blank),
        Err(other) => Err(other),
    }
}

fn as_given(text: &str) -> Value {
    let upper = text.bytes().any(|b| b.is_ascii_uppercase());
    match (upper, text.as_bytes().try_into()) {
        (true, Ok(digits)) => Value::AsGiven(HexAsGiven(digits)),
        _ => Sha256Hex::from_prehashed(text).map_or(Value::Blank, Value::Hash),
    }
}
