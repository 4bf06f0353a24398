//! A cache of hashes, one per thread, for the fields with few values.
//!
//! Most forms offer two genders, and a shop sells to some dozens of states and few countries. Normalising and hashing
//! one of these values takes about five times as long as a lookup here. The fields identify no person. The cache of a
//! thread takes a few kilobytes.

use std::cell::RefCell;

use signalbox_core::Sha256Hex;
use signalbox_core::json::KeyMark;

use super::{Dropped, Field};

/// Number of entries. A value replaces another with the same index.
const PLACES: usize = 128;
/// Length in bytes of the longest cached value; "United States of America" fits.
const LONGEST: usize = 24;

thread_local! {
    static CACHE: RefCell<Vec<Option<Entry>>> = const { RefCell::new(Vec::new()) };
}

/// A value as given, and its hash.
struct Entry {
    field: Field,
    len: usize,
    text: [u8; LONGEST],
    hash: Sha256Hex,
}

impl Entry {
    fn is(&self, field: Field, text: &[u8]) -> bool {
        self.field == field && self.text.get(..self.len) == Some(text)
    }
}

/// Returns the cached hash of a value, or computes and caches it. Errors are not cached.
pub(super) fn get_or(
    field: Field,
    text: &str,
    work_out: impl FnOnce() -> Result<Sha256Hex, Dropped>,
) -> Result<Sha256Hex, Dropped> {
    let few = matches!(field, Field::Gender | Field::State | Field::Country);
    if !few || text.len() > LONGEST {
        return work_out();
    }
    let place = KeyMark::of(text).spread() as usize >> (u32::BITS - PLACES.ilog2()) as usize;
    CACHE.with_borrow_mut(|entries| {
        if entries.is_empty() {
            entries.resize_with(PLACES, || None);
        }
        let Some(place) = entries.get_mut(place) else {
            return work_out();
        };
        if let Some(entry) = place
            && entry.is(field, text.as_bytes())
        {
            return Ok(entry.hash);
        }
        let hash = work_out()?;
        let mut kept = [0; LONGEST];
        kept.iter_mut()
            .zip(text.bytes())
            .for_each(|(place, byte)| *place = byte);
        *place = Some(Entry {
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
    use super::super::{Rules, hash, normalise};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        // Some of these share places, some are one value of two fields, some have no hash.
        #[test]
        fn what_is_known_is_what_is_worked_out(
            values in prop::collection::vec(
                (prop::sample::select(Field::ALL.to_vec()), "[a-cA-C]{1,3}|[fm]|Female|France|FR|null|| ca|California|[a-z ]{22,27}|é"),
                1..200,
            ),
        ) {
            let mut scratch = String::new();
            for (field, text) in values {
                let alone = normalise(field, Rules::Pinterest, &text, &mut scratch).map(|_| Sha256Hex::of(&scratch));
                prop_assert_eq!(hash(field, Rules::Pinterest, &text, &mut scratch), alone, "{:?} {}", field, text);
            }
        }
    }
}
