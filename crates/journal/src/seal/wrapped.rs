//! A data key, encrypted under an operator's key, as it stands in a file.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | public name of the operator's key |
//! | 12 | random nonce |
//! | 32 | the data key, encrypted |
//! | 16 | tag |

use ring::aead::{Aad, Nonce, Tag};

use super::cipher::DataKey;
use super::error::SealError;
use super::operator::{KeyId, Keys, random};
use crate::Position;

/// Bytes of a wrapped key.
pub(crate) const LENGTH: usize = 68;
const NONCE: std::ops::Range<usize> = 8..20;
const KEY: std::ops::Range<usize> = 20..52;

/// The use of a data key. A key that is moved to another place does not unwrap there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The frames of the file that begins at a position.
    Frames(Position),
    /// The records of the state.
    State,
    /// The keyed hashes of ids.
    Ids,
}

impl Purpose {
    /// The associated data: purpose and version.
    fn aad(self) -> [u8; 32] {
        let (name, position): (&[u8; 24], _) = match self {
            Purpose::Frames(first) => (b"signalbox 1 frames      ", first),
            Purpose::State => (b"signalbox 1 state       ", 0),
            Purpose::Ids => (b"signalbox 1 ids         ", 0),
        };
        let mut aad = [0; 32];
        let (to_name, to_position) = aad.split_at_mut(name.len());
        to_name.copy_from_slice(name);
        to_position.copy_from_slice(&position.to_le_bytes());
        aad
    }
}

/// A wrapped data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wrapped([u8; LENGTH]);

/// The reason why a wrapped key stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locked {
    /// The operator's key of this name is not listed.
    Unlisted(KeyId),
    /// The operator's key is listed, and does not open it: it was changed, or stood elsewhere.
    Damaged,
}

impl Wrapped {
    pub(crate) fn from_bytes(bytes: [u8; LENGTH]) -> Wrapped {
        Wrapped(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// The operator's key that opens it.
    pub(crate) fn key(&self) -> KeyId {
        KeyId(u64::from_le_bytes(
            self.0.first_chunk().copied().unwrap_or_default(),
        ))
    }

    /// Makes a data key, and wraps it under the newest key.
    pub(crate) fn new_key(keys: &Keys, purpose: Purpose) -> Result<(DataKey, Wrapped), SealError> {
        let data = DataKey::random()?;
        let wrapped = Wrapped::wrap(&data, keys, purpose)?;
        Ok((data, wrapped))
    }

    /// Wraps a data key under the newest key.
    pub(crate) fn wrap(data: &DataKey, keys: &Keys, purpose: Purpose) -> Result<Wrapped, SealError> {
        let operator = keys.newest()?;
        let nonce: [u8; 12] = random()?;
        let mut text = data.0;
        let (aad, once) = (Aad::from(purpose.aad()), Nonce::assume_unique_for_key(nonce));
        let tag = operator.cipher.seal_in_place_separate_tag(once, aad, &mut text)?;
        let parts = [&operator.id.0.to_le_bytes()[..], &nonce, &text, tag.as_ref()].concat();
        Ok(Wrapped(parts.try_into().map_err(|_| SealError)?))
    }

    /// Opens it with the key that it names.
    ///
    /// # Errors
    /// [`Locked`]
    pub(crate) fn unwrap(&self, keys: &Keys, purpose: Purpose) -> Result<DataKey, Locked> {
        let operator = keys.find(self.key()).ok_or(Locked::Unlisted(self.key()))?;
        let part = |range| self.0.get(range).ok_or(Locked::Damaged);
        let nonce = part(NONCE)?.try_into().map_err(|_| Locked::Damaged)?;
        let mut text: [u8; 32] = part(KEY)?.try_into().map_err(|_| Locked::Damaged)?;
        let tag: [u8; 16] = *self.0.last_chunk().ok_or(Locked::Damaged)?;
        let (aad, nonce) = (Aad::from(purpose.aad()), Nonce::assume_unique_for_key(nonce));
        let opened = operator
            .cipher
            .open_in_place_separate_tag(nonce, aad, Tag::from(tag), &mut text, 0..);
        opened.map_err(|_| Locked::Damaged)?;
        Ok(DataKey(text))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use signalbox_core::JournalKey;

    use super::*;

    /// Keys of these numbers, the newest first.
    pub(crate) fn keys(numbers: &[u8]) -> Keys {
        let keys: Vec<JournalKey> = numbers.iter().map(|n| JournalKey::new([*n; 32])).collect();
        Keys::new(&keys).unwrap().unwrap()
    }

    #[test]
    fn a_key_is_unwrapped_by_the_operators_key_that_wrapped_it_and_for_its_purpose() {
        let (data, wrapped) = Wrapped::new_key(&keys(&[1]), Purpose::Frames(70)).unwrap();
        let opens = |numbers: &[u8], purpose| {
            wrapped
                .unwrap(&keys(numbers), purpose)
                .map(|opened| opened.0 == data.0)
        };
        assert_eq!(opens(&[1], Purpose::Frames(70)), Ok(true));
        assert_eq!(opens(&[2, 1], Purpose::Frames(70)), Ok(true), "after a rotation");
        assert_eq!(
            opens(&[2], Purpose::Frames(70)),
            Err(Locked::Unlisted(wrapped.key()))
        );
        assert_eq!(opens(&[1], Purpose::Frames(71)), Err(Locked::Damaged));
        assert_eq!(opens(&[1], Purpose::State), Err(Locked::Damaged));
        assert_ne!(
            wrapped,
            Wrapped::wrap(&data, &keys(&[1]), Purpose::Frames(70)).unwrap()
        );
    }

    #[test]
    fn no_flipped_bit_passes() {
        let keys = keys(&[1]);
        let (_, wrapped) = Wrapped::new_key(&keys, Purpose::State).unwrap();
        for bit in 0..LENGTH * 8 {
            let mut bytes = *wrapped.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Wrapped::from_bytes(bytes).unwrap(&keys, Purpose::State).is_err());
        }
    }
}
