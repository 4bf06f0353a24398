//! The cipher of a data key.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};

use super::error::SealError;
use super::operator::random;

/// Bytes of a tag, which authenticates a sealed text and its associated data.
pub(crate) const TAG: usize = 16;

/// A random key that encrypts the content of one file, or of the state.
#[derive(Clone)]
pub(crate) struct DataKey(pub(super) [u8; 32]);

impl DataKey {
    pub(super) fn random() -> Result<DataKey, SealError> {
        random().map(DataKey)
    }

    pub(super) fn cipher(&self) -> Result<LessSafeKey, SealError> {
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.0)?))
    }

    /// Makes the only sealer of this key: a second one would repeat the first one's nonces.
    pub(crate) fn into_sealer(self) -> Result<Sealer, SealError> {
        Ok(Sealer {
            cipher: self.cipher()?,
            next: 0,
        })
    }

    /// Makes an opener for the texts that the key's sealer seals.
    pub(crate) fn opener(&self) -> Result<Opener, SealError> {
        Ok(Opener(self.cipher()?))
    }
}

/// The parts of a sealed text that stand beside it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The nonce.
    pub(crate) counter: u64,
    pub(crate) tag: [u8; TAG],
}

/// Encrypts with a key that no one else encrypts with, so that a counter makes the nonces.
pub(crate) struct Sealer {
    cipher: LessSafeKey,
    next: u64,
}

impl Sealer {
    /// Encrypts a text in place. `aad` is not stored; [`Opener::open`] needs the same.
    ///
    /// # Errors
    /// [`SealError`] after 2^64 texts, or for one of 64 GiB.
    pub(crate) fn seal(&mut self, aad: &[u8], text: &mut [u8]) -> Result<Sealed, SealError> {
        let counter = self.next;
        // Counted before use, so that no failure can use a nonce twice.
        self.next = counter.checked_add(1).ok_or(SealError)?;
        let tag = seal_in_place(&self.cipher, counter, aad, text)?;
        Ok(Sealed { counter, tag })
    }
}

/// Decrypts texts that the sealer of the same key encrypted.
pub(crate) struct Opener(LessSafeKey);

impl Opener {
    /// Decrypts a text in place; false if key, text, associated data or counter are not those of the sealing. The text is
    /// then of no use.
    #[must_use]
    pub(crate) fn open(&self, sealed: &Sealed, aad: &[u8], text: &mut [u8]) -> bool {
        open_in_place(&self.0, sealed, aad, text)
    }
}

pub(super) fn seal_in_place(
    cipher: &LessSafeKey,
    counter: u64,
    aad: &[u8],
    text: &mut [u8],
) -> Result<[u8; TAG], SealError> {
    let tag = cipher.seal_in_place_separate_tag(nonce(counter), Aad::from(aad), text)?;
    tag.as_ref().try_into().map_err(|_| SealError)
}

pub(super) fn open_in_place(cipher: &LessSafeKey, sealed: &Sealed, aad: &[u8], text: &mut [u8]) -> bool {
    let (nonce, tag) = (nonce(sealed.counter), Tag::from(sealed.tag));
    cipher
        .open_in_place_separate_tag(nonce, Aad::from(aad), tag, text, 0..)
        .is_ok()
}

/// The nonce of a counter: 4 zero bytes, then the counter.
fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    if let Some(to) = bytes.last_chunk_mut::<8>() {
        *to = counter.to_be_bytes();
    }
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_text_place_and_counter_open() {
        let key = DataKey::random().unwrap();
        let opener = key.opener().unwrap();
        let mut sealer = key.into_sealer().unwrap();
        let text = b"jane@example.com";
        let (mut first, mut second) = (*text, *text);
        let sealed = sealer.seal(b"place", &mut first).unwrap();
        let again = sealer.seal(b"place", &mut second).unwrap();
        assert_ne!(sealed.counter, again.counter);
        assert_ne!(first, second, "no nonce is used twice");
        let opens = |sealed: &Sealed, aad: &[u8], text: &[u8; 16]| {
            let mut copy = *text;
            opener.open(sealed, aad, &mut copy).then_some(copy)
        };
        assert_eq!(opens(&sealed, b"place", &first), Some(*text));
        assert_eq!(opens(&again, b"place", &second), Some(*text));
        assert_eq!(opens(&sealed, b"other", &first), None);
        assert_eq!(opens(&again, b"place", &first), None);
        let mut flipped = first;
        flipped[3] ^= 1;
        assert_eq!(opens(&sealed, b"place", &flipped), None);
        let other = DataKey::random().unwrap().opener().unwrap();
        assert!(!other.open(&sealed, b"place", &mut first));
    }
}
