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

    /// Makes a key that a test knows.
    #[cfg(all(test, feature = "nats"))]
    pub(crate) fn of(key: [u8; 32]) -> IdKey {
        IdKey::new(&DataKey(key))
    }

    /// The public name of the key, from which the key cannot be found. It is not zero.
    pub(crate) fn name(&self) -> u64 {
        let name = hmac::sign(&self.0, b"signalbox journal 1, name of the id key");
        let name = name.as_ref().first_chunk().copied().unwrap_or_default();
        u64::from_be_bytes(name).max(1)
    }

    /// Computes the keyed hash of a source's id: HMAC-SHA256, cut to 128 bits.
    pub(crate) fn hash(&self, source: &[u8], id: &[u8]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(source);
        // No text has this byte, which ends the source.
        context.update(&[0xFF]);
        context.update(id);
        let tag = context.sign();
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_id_and_key_and_on_nothing_else() {
        let key = IdKey::new(&DataKey([1; 32]));
        assert_eq!(key.hash(b"s", b"a"), key.clone().hash(b"s", b"a"));
        assert_ne!(key.hash(b"s", b"a"), key.hash(b"s", b"b"));
        assert_ne!(key.hash(b"s", b"a"), key.hash(b"t", b"a"));
        assert_ne!(key.hash(b"s", b"ta"), key.hash(b"st", b"a"));
        assert_ne!(key.name(), IdKey::new(&DataKey([2; 32])).name());
        assert_ne!(
            key.hash(b"s", b"a"),
            IdKey::new(&DataKey([2; 32])).hash(b"s", b"a")
        );
    }
}
