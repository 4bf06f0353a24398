//! The id by which an event is known.

use std::io::Write as _;

use twox_hash::XxHash3_64;

use crate::seal::id_key::IdKey;

/// Longer ids are not remembered: no client makes them.
pub(crate) const LONGEST: usize = 1 << 20;

/// Most bytes of a source, a separator and an id that are joined without an allocation.
const SHORT: usize = 192;

/// Names a source and an id.
pub(crate) fn fingerprint(source: &str, id: &str) -> u64 {
    let parts = [source.as_bytes(), &[0xFF], id.as_bytes()];
    let mut joined = [0; SHORT];
    let mut rest = joined.as_mut_slice();
    let fit = parts.iter().all(|part| rest.write_all(part).is_ok());
    let left = rest.len();
    match joined.get(..SHORT - left) {
        Some(joined) if fit => XxHash3_64::oneshot(joined),
        _ => XxHash3_64::oneshot(&parts.concat()),
    }
}

/// The keyed hash of a source and an id.
pub(crate) type KeyedHash = [u8; 16];

/// An id in question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id<'a> {
    pub(crate) fingerprint: u64,
    pub(crate) source: &'a str,
    pub(crate) id: &'a str,
    /// Set in a sealed journal, which remembers it instead of source and id.
    pub(crate) hash: Option<KeyedHash>,
}

impl<'a> Id<'a> {
    /// Makes the id of an event whose source has this key in the table of ids; `ids` is the key of a sealed journal.
    pub(crate) fn new(source: &'a str, id: &'a str, ids: Option<&IdKey>) -> Id<'a> {
        Id {
            fingerprint: fingerprint(source, id),
            source,
            id,
            hash: ids.map(|ids| ids.hash(source.as_bytes(), id.as_bytes())),
        }
    }

    /// Makes the id of an event of which only the keyed hash is known.
    #[cfg(feature = "nats")]
    pub(crate) fn hashed(hash: KeyedHash) -> Id<'static> {
        Id {
            fingerprint: 0,
            source: "",
            // It only says that there is an id.
            id: "#",
            hash: Some(hash),
        }
    }

    /// The form in which a plain journal remembers the id.
    pub(super) fn plain(&self) -> Form<'_> {
        Form {
            fingerprint: self.fingerprint,
            source: self.source.as_bytes(),
            id: self.id.as_bytes(),
        }
    }

    /// The form in which the journal remembers the id.
    pub(super) fn own(&self) -> Form<'_> {
        match &self.hash {
            None => self.plain(),
            Some(hash) => Form {
                fingerprint: hash.first_chunk().copied().map_or(0, u64::from_le_bytes),
                source: &[],
                id: hash,
            },
        }
    }
}

/// An id as it is remembered: source and id, or no source and a keyed hash of both.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    pub(super) fingerprint: u64,
    pub(super) source: &'a [u8],
    pub(super) id: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_stay_as_files_have_them() {
        for (id, expected) in [
            ("m-1001", 0x37a5_3237_958b_793f),
            // The longest short one, and the next.
            (&"m".repeat(188), 0xbf24_aec7_f452_0df8),
            (&"m".repeat(189), 0xe0de_5c88_ab7b_2926),
        ] {
            assert_eq!(fingerprint("web", id), expected, "{}", id.len());
        }
    }
}
