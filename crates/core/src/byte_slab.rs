//! A slab for the bytes of records, and of what the history keeps of them.

use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

/// Size of a piece of memory that records share, in bytes.
const PIECE: usize = 64 << 10;
/// Maximum size of a record that shares memory, in bytes; a larger one gets a piece for itself.
const LARGEST: usize = PIECE / 8;

/// Stores records that a sink makes one after the other and that are mostly sent and dropped together, or the history's drafts
/// of them.
///
/// Dozens of them share a piece of memory, which is allocated once and freed with the last of its records. Records
/// with separate allocations, freed by another thread than the one that made them, cost the allocator as much as
/// writing them.
#[derive(Default)]
pub struct ByteSlab(Mutex<BytesMut>);

impl ByteSlab {
    /// Stores a copy of the bytes.
    ///
    /// A holder that outlives the neighbours for long should copy the bytes out, as [`crate::Record::apart`] does.
    pub fn keep(&self, bytes: &[u8]) -> Bytes {
        self.keep_all([bytes])
    }

    /// Stores copies of the bytes of several slices, one behind the other.
    pub fn keep_all<const N: usize>(&self, slices: [&[u8]; N]) -> Bytes {
        let length = slices.iter().map(|bytes| bytes.len()).sum();
        if length > LARGEST {
            return slices.concat().into();
        }
        // The code under the lock cannot panic half-way.
        let mut piece = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if piece.capacity() < length {
            *piece = BytesMut::with_capacity(PIECE);
        }
        slices.iter().for_each(|bytes| piece.extend_from_slice(bytes));
        piece.split().freeze()
    }
}

/// Shows no payload.
impl std::fmt::Debug for ByteSlab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ByteSlab")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_given() {
        let slab = ByteSlab::default();
        let given: Vec<Vec<u8>> = (0..2_000).map(|at| vec![at as u8; at * 7 % 9_000]).collect();
        let kept: Vec<Bytes> = given.iter().map(|bytes| slab.keep(bytes)).collect();
        assert_eq!(kept, given);
        let kept = given.iter().map(|bytes| {
            let (begin, end) = bytes.split_at(bytes.len() / 3);
            slab.keep_all([begin, &[], end])
        });
        assert_eq!(kept.collect::<Vec<_>>(), given);
    }

    #[test]
    fn records_lie_side_by_side_and_large_ones_apart() {
        let slab = ByteSlab::default();
        let [first, large, second] = [10, LARGEST + 1, 10].map(|len| slab.keep(&vec![0; len]));
        assert_eq!(first.as_ptr().wrapping_add(first.len()), second.as_ptr());
        assert_eq!(large.len(), LARGEST + 1);
    }
}
