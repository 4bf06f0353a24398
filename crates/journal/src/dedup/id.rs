//! The id by which an event is known.

use xxhash_rust::xxh3::Xxh3;

use crate::seal::id_key::IdKey;

/// Longer ids are not remembered: no client makes them.
pub(crate) const LONGEST: usize = 1 << 20;

/// Names a source and an id.
pub(crate) fn fingerprint(source: &str, id: &str) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(source.as_bytes());
    hasher.update(&[0xFF]);
    hasher.update(id.as_bytes());
    hasher.digest()
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
