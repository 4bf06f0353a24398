//! The id by which an event is known.

use xxhash_rust::xxh3::Xxh3;

/// Longer ids are not remembered: no client makes them.
pub(super) const LONGEST: usize = 1 << 20;

/// Names a source and an id.
pub(crate) fn fingerprint(source: &str, id: &str) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(source.as_bytes());
    hasher.update(&[0xFF]);
    hasher.update(id.as_bytes());
    hasher.digest()
}

/// An id in question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id<'a> {
    pub(crate) fingerprint: u64,
    pub(crate) source: &'a str,
    pub(crate) id: &'a str,
}

impl<'a> Id<'a> {
    /// Makes the id of an event whose source has this key.
    pub(crate) fn new(source: &'a str, id: &'a str) -> Id<'a> {
        let fingerprint = fingerprint(source, id);
        Id {
            fingerprint,
            source,
            id,
        }
    }
}
