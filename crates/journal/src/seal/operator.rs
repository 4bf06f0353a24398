//! The operator's keys.

use std::fmt;
use std::sync::Arc;

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use signalbox_core::JournalKey;

use super::error::SealError;

/// The public name of a key: 64 bits of a keyed hash, from which the key cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(super) u64);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The keys that may open a journal; the first one, the newest, seals. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<[OperatorKey]>);

pub(super) struct OperatorKey {
    pub(super) id: KeyId,
    /// Wraps data keys, and encrypts nothing else.
    pub(super) cipher: LessSafeKey,
}

/// Makes a new operator's key.
///
/// # Errors
/// [`SealError`] if the system gives no random numbers.
pub fn new_key() -> Result<JournalKey, SealError> {
    random().map(JournalKey::new)
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}

impl Keys {
    /// Takes the operator's keys, the newest first; `None` without any.
    ///
    /// # Errors
    /// [`SealError`] never, in practice: the cipher takes each key of 256 bits.
    pub fn new(keys: &[JournalKey]) -> Result<Option<Keys>, SealError> {
        let keys: Result<Arc<[OperatorKey]>, SealError> = keys.iter().map(OperatorKey::new).collect();
        keys.map(|keys| (!keys.is_empty()).then_some(Keys(keys)))
    }

    /// The public names of the keys, the newest first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.0.iter().map(|key| key.id)
    }

    pub(super) fn newest(&self) -> Result<&OperatorKey, SealError> {
        self.0.first().ok_or(SealError)
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&OperatorKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl OperatorKey {
    fn new(key: &JournalKey) -> Result<OperatorKey, SealError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let id = hmac::sign(&key, b"signalbox journal 1, key id");
        let id = id.as_ref().first_chunk::<8>().copied().unwrap_or_default();
        let wrapping = hmac::sign(&key, b"signalbox journal 1, wrapping key");
        Ok(OperatorKey {
            id: KeyId(u64::from_be_bytes(id)),
            cipher: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, wrapping.as_ref())?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_public_names_and_are_never_shown() {
        let listed = [JournalKey::new([1; 32]), JournalKey::new([2; 32])];
        let keys = Keys::new(&listed).unwrap().unwrap();
        let ids: Vec<String> = keys.ids().map(|id| id.to_string()).collect();
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1]);
        // Files contain the name, so later versions must compute the same one.
        assert_eq!(ids[0], "22cd582a41ed2100");
        let shown = format!("{keys:?}");
        assert!(!shown.contains(&listed[0].to_text()[5..]), "{shown}");
        assert!(Keys::new(&[]).unwrap().is_none());
        assert_ne!(new_key().unwrap(), new_key().unwrap());
    }
}
