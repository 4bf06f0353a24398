//! Hashing, with a cache of hashes for the fields with few values.

use std::cell::RefCell;

use signalbox_core::Sha256Hex;

use super::cache::{Cache, has_few};
use super::field::{Dropped, Field};
use super::normalise::{Form, Normal, normalise, normalise_each};
use super::place::Place;
use super::second::second_form;
use super::step::Rules;

thread_local! {
    static CACHE: RefCell<Cache<Sha256Hex>> = const { RefCell::new(Cache::EMPTY) };
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
    if !has_few(field, text) {
        return uncached(field, rules, text, scratch);
    }
    CACHE.with_borrow_mut(|cache| {
        let hash = cache.get((field, rules), text, || {
            uncached(field, rules, text, scratch).map(Some)
        })?;
        hash.ok_or(Dropped::Empty)
    })
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
    if rules.has_one_hash(field) {
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
