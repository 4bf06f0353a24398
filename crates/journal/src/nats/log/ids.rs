//! The ids of a frame's events, as they travel in the header of its message: 16 bytes for each event, base64. Zeros stand for
//! an event without an id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::digest;

use crate::dedup::{KeyedHash, LONGEST};
use crate::seal::id_key::IdKey;

/// The header with the ids.
pub(super) const HEADER: &str = "Sbx-Ids";
/// The hash of an event without an id.
pub(super) const NONE: KeyedHash = [0; 16];
/// The public name of the hash of a log in plain, in place of the name of an id key.
const PLAIN: u64 = 1;

/// Hashes the ids of events.
pub(super) enum IdHasher {
    /// SHA-256, cut to 128 bits: the ids of a log in plain.
    Plain,
    /// Under the key of a sealed journal: the servers learn nothing of the ids.
    Keyed(IdKey),
}

impl IdHasher {
    /// Hashes an id together with the key of its source. An id that is empty or too long to be remembered has the hash
    /// [`NONE`].
    pub(super) fn hash(&self, source: &str, id: &str) -> KeyedHash {
        if id.is_empty() || id.len() > LONGEST {
            return NONE;
        }
        match self {
            IdHasher::Keyed(key) => key.hash(source.as_bytes(), id.as_bytes()),
            IdHasher::Plain => {
                let mut context = digest::Context::new(&digest::SHA256);
                context.update(source.as_bytes());
                // No text has this byte, which ends the source.
                context.update(&[0xFF]);
                context.update(id.as_bytes());
                let digest = context.finish();
                digest.as_ref().first_chunk().copied().unwrap_or_default()
            }
        }
    }

    /// The public name of the hash. Ids that were hashed otherwise are never found again.
    pub(super) fn name(&self) -> u64 {
        match self {
            IdHasher::Plain => PLAIN,
            IdHasher::Keyed(key) => key.name(),
        }
    }
}

/// Writes the value of the header.
pub(super) fn encode(ids: &[KeyedHash]) -> String {
    STANDARD_NO_PAD.encode(ids.as_flattened())
}

/// Reads the value of the header; `None` if it is none.
pub(super) fn decode(text: &str) -> Option<Vec<KeyedHash>> {
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    let (ids, rest) = bytes.as_chunks();
    rest.is_empty().then(|| ids.to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hash_depends_on_source_and_id() {
        let plain = IdHasher::Plain;
        assert_eq!(plain.hash("s", "a"), plain.hash("s", "a"));
        assert_ne!(plain.hash("s", "ta"), plain.hash("st", "a"));
        assert_ne!(plain.hash("s", "a"), plain.hash("s", "b"));
        assert_eq!((plain.hash("s", ""), plain.name()), (NONE, PLAIN));
        assert_eq!(plain.hash("s", &"x".repeat(LONGEST + 1)), NONE);
    }

    proptest! {
        #[test]
        fn ids_travel(ids in proptest::collection::vec(any::<KeyedHash>(), 0..40)) {
            prop_assert_eq!(decode(&encode(&ids)), Some(ids));
        }

        #[test]
        fn other_texts_are_no_ids(text in ".{1,60}") {
            if let Some(ids) = decode(&text) {
                prop_assert_eq!(encode(&ids), text);
            }
        }
    }
}
