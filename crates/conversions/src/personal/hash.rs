//! Hashing, with a cache of hashes, one per thread, for the fields with few values.
//!
//! Most forms offer two genders, and a shop sells to some dozens of states and few countries. Normalising and hashing
//! one of these values takes about five times as long as a lookup here. The fields identify no person. The cache of a
//! thread takes a few kilobytes.

use std::cell::RefCell;

use signalbox_core::Sha256Hex;
use signalbox_core::json::KeyMark;

use super::field::{Dropped, Field};
use super::normalise::{Form, Normal, normalise, normalise_each};
use super::place::Place;
use super::second::second_form;
use super::step::Rules;

/// Number of entries. A value replaces another with the same index.
const PLACES: usize = 128;
/// Length in bytes of the longest cached value; "United States of America" fits.
const LONGEST: usize = 24;

thread_local! {
    static CACHE: RefCell<Vec<Option<Entry>>> = const { RefCell::new(Vec::new()) };
}

/// A value as given, and its hash.
struct Entry {
    rules: &'static Rules,
    field: Field,
    len: usize,
    text: [u8; LONGEST],
    hash: Sha256Hex,
}

impl Entry {
    fn is(&self, field: Field, rules: &'static Rules, text: &[u8]) -> bool {
        self.field == field && std::ptr::eq(self.rules, rules) && self.text.get(..self.len) == Some(text)
    }
}

/// Normalises and hashes a value, or passes it on if it is hashed already. `scratch` may hold anything; it is left
/// holding plain text, so keep it as private as the value.
///
/// The empty text is never hashed. Idempotent: the hash of a hash is that hash. Under rules of Segment's this is the text
/// that Segment sends except for the values [`segment::hash`](super::segment::hash) has more kinds for: hashes in upper
/// case come out in lower case here, and blank texts are [`Dropped::Empty`].
///
/// # Errors
/// As [`normalise`].
pub fn hash(
    field: Field,
    rules: &'static Rules,
    text: &str,
    scratch: &mut String,
) -> Result<Sha256Hex, Dropped> {
    let few = matches!(field, Field::Gender | Field::State | Field::Country);
    if few && text.len() <= LONGEST {
        cached(field, rules, text, scratch)
    } else {
        uncached(field, rules, text, scratch)
    }
}

/// A hash and the doubt about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashed {
    /// The hash.
    pub hash: Sha256Hex,
    /// The doubt about the value.
    pub doubt: Option<Dropped>,
}

/// Hashes each value that a text holds, as [`hash`] does, by the place of its person, and hands over the hashes, or the reasons
/// why there is none.
pub fn hash_each(
    field: Field,
    rules: &'static Rules,
    text: &str,
    place: &dyn Place,
    scratch: &mut String,
    take: &mut dyn FnMut(Result<Hashed, Dropped>),
) {
    if rules.has_both_forms(field) {
        return both_forms(field, rules, text, scratch, take);
    }
    if !matches!(field, Field::Phone | Field::Zip) {
        let hash = hash(field, rules, text, scratch);
        return take(hash.map(|hash| Hashed { hash, doubt: None }));
    }
    normalise_each(field, rules, text, place, scratch, &mut |normal, text| {
        take(normal.and_then(|Normal { form, doubt }| {
            let hash = hash_of(form, text)?;
            Ok(Hashed { hash, doubt })
        }));
    });
}

/// Hashes the normal form of a value, and its second form where that differs.
fn both_forms(
    field: Field,
    rules: &'static Rules,
    text: &str,
    scratch: &mut String,
    take: &mut dyn FnMut(Result<Hashed, Dropped>),
) {
    let certain = |hash: Sha256Hex| Hashed { hash, doubt: None };
    match normalise(field, rules, text, scratch) {
        Ok(form) => {
            take(hash_of(form, scratch).map(certain));
            if form == Form::Plain && second_form(field, text, scratch) {
                take(Ok(certain(Sha256Hex::of(scratch))));
            }
        }
        Err(dropped) => take(Err(dropped)),
    }
}

fn uncached(
    field: Field,
    rules: &'static Rules,
    text: &str,
    scratch: &mut String,
) -> Result<Sha256Hex, Dropped> {
    let form = normalise(field, rules, text, scratch)?;
    hash_of(form, scratch)
}

fn hash_of(form: Form, normal: &str) -> Result<Sha256Hex, Dropped> {
    match form {
        Form::Plain => Ok(Sha256Hex::of(normal)),
        // Not all that is given and taken for a hash is one.
        Form::Hashed | Form::Given => Sha256Hex::from_prehashed(normal).ok_or(Dropped::ForeignHash),
    }
}

/// Returns the cached hash of a value, or computes and caches it. Errors are not cached.
fn cached(
    field: Field,
    rules: &'static Rules,
    text: &str,
    scratch: &mut String,
) -> Result<Sha256Hex, Dropped> {
    let place = KeyMark::of(text).spread() as usize >> (u32::BITS - PLACES.ilog2()) as usize;
    CACHE.with_borrow_mut(|entries| {
        if entries.is_empty() {
            entries.resize_with(PLACES, || None);
        }
        let Some(place) = entries.get_mut(place) else {
            return uncached(field, rules, text, scratch);
        };
        if let Some(entry) = place
            && entry.is(field, rules, text.as_bytes())
        {
            return Ok(entry.hash);
        }
        let hash = uncached(field, rules, text, scratch)?;
        let mut kept = [0; LONGEST];
        kept.iter_mut()
            .zip(text.bytes())
            .for_each(|(place, byte)| *place = byte);
        *place = Some(Entry {
            rules,
            field,
            len: text.len(),
            text: kept,
            hash,
        });
        Ok(hash)
    })
}

#[cfg(test)]
mod tests {
    use super::super::rules::{PINTEREST, SEGMENT};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        // Some of these share an index, some are one value of two fields or under two rules, some have no hash.
        #[test]
        fn cached_hashes_are_the_computed_ones(
            values in prop::collection::vec(
                (
                    prop::sample::select(Field::ALL.to_vec()),
                    prop::sample::select(vec![&PINTEREST, &SEGMENT]),
                    "[a-cA-C]{1,3}|[fm]|Female|France|FR|null|| ca|California|[a-z ]{22,27}|é",
                ),
                1..200,
            ),
        ) {
            let mut scratch = String::new();
            for (field, rules, text) in values {
                let alone = uncached(field, rules, &text, &mut scratch);
                prop_assert_eq!(hash(field, rules, &text, &mut scratch), alone, "{:?} {}", field, text);
            }
        }
    }
}
