//! The key under which ids are kept as hashes, so that they can be found and not read.

use ring::hmac;

use super::cipher::DataKey;

/// The id key. It stays the same for the life of a journal: with another one no known id would be found again.
#[derive(Clone)]
pub(crate) struct IdKey(hmac::Key);

impl IdKey {
    pub(super) fn new(key: &DataKey) -> IdKey {
        IdKey(hmac::Key::new(hmac::HMAC_SHA256, &key.0))
    }

    /// Computes the keyed hash of an id: HMAC-SHA256, cut to 128 bits.
    pub(crate) fn hash(&self, id: &[u8]) -> [u8; 16] {
        let tag = hmac::sign(&self.0, id);
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_id_and_key_and_on_nothing_else() {
        let key = IdKey::new(&DataKey([1; 32]));
        assert_eq!(key.hash(b"a"), key.clone().hash(b"a"));
        assert_ne!(key.hash(b"a"), key.hash(b"b"));
        assert_ne!(key.hash(b"a"), IdKey::new(&DataKey([2; 32])).hash(b"a"));
    }
}
