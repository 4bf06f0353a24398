//! Hashes that come again and again: there are two genders on most forms, some dozens of states, and a shop sells to few
//! countries. Normalising and hashing one of them takes some five times as long as finding it here.
//!
//! Only such fields are kept, which name nobody, and each thread keeps its own, a few kilobytes.

use std::cell::RefCell;

use signalbox_core::Sha256Hex;
use signalbox_core::json::KeyMark;

use super::{Dropped, Field};

/// So many values have a place; two that share one take turns.
const PLACES: usize = 128;
/// Longer values are not kept: "United States of America" is.
const LONGEST: usize = 24;

thread_local! {
    static KNOWN: RefCell<Vec<Option<Known>>> = const { RefCell::new(Vec::new()) };
}

/// A value as it was given, and its hash.
struct Known {
    field: Field,
    len: usize,
    text: [u8; LONGEST],
    hash: Sha256Hex,
}

impl Known {
    fn is(&self, field: Field, text: &[u8]) -> bool {
        self.field == field && self.text.get(..self.len) == Some(text)
    }
}

/// The hash of a value, worked out only if it is not known. Errors are not kept.
pub(super) fn or_else(
    field: Field,
    text: &str,
    work_out: impl FnOnce() -> Result<Sha256Hex, Dropped>,
) -> Result<Sha256Hex, Dropped> {
    let few = matches!(field, Field::Gender | Field::State | Field::Country);
    if !few || text.len() > LONGEST {
        return work_out();
    }
    let place = KeyMark::of(text).spread() as usize >> (u32::BITS - PLACES.ilog2()) as usize;
    KNOWN.with_borrow_mut(|known| {
        if known.is_empty() {
            known.resize_with(PLACES, || None);
        }
        let Some(place) = known.get_mut(place) else {
            return work_out();
        };
        if let Some(known) = place
            && known.is(field, text.as_bytes())
        {
            return Ok(known.hash);
        }
        let hash = work_out()?;
        let mut kept = [0; LONGEST];
        kept.iter_mut()
            .zip(text.bytes())
            .for_each(|(place, byte)| *place = byte);
        *place = Some(Known {
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
