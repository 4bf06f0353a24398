//! Seals single records under a key that outlives the process, as those of the state.
//!
//! Counters would have to be kept somewhere, and a restored copy of the state would repeat them; random nonces of 96 bits
//! last for some billion records only. So each process derives its own key, as the HMAC of a random number of 128 bits
//! under the kept key. The random number stands in front of each record, and a counter of the process is the nonce.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | the random number of the process |
//! | 8 | counter |
//! | 16 | tag |
//! | n | the record, encrypted |

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ring::aead::LessSafeKey;
use ring::hmac;

use super::cipher::{DataKey, Sealed, TAG, open_in_place, seal_in_place};
use super::error::SealError;
use super::operator::random;
use crate::mutex::lock;

const SALT: usize = 16;
const COUNTER: usize = 8;
/// The bytes that sealing adds to a record.
pub(crate) const OVERHEAD: usize = SALT + COUNTER + TAG;
/// The most keys of earlier processes that are kept ready.
const READY: usize = 64;

/// Seals and opens records. Cheap to clone; all clones count together.
#[derive(Clone)]
pub(crate) struct RecordCipher(Arc<Inner>);

struct Inner {
    key: hmac::Key,
    salt: [u8; SALT],
    own: LessSafeKey,
    next: AtomicU64,
    /// The keys of processes that sealed records which this one opened.
    earlier: Mutex<HashMap<[u8; SALT], Arc<LessSafeKey>>>,
}

impl RecordCipher {
    pub(super) fn new(key: &DataKey) -> Result<RecordCipher, SealError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key.0);
        let salt = random()?;
        let own = derive(&key, &salt)?;
        Ok(RecordCipher(Arc::new(Inner {
            key,
            salt,
            own,
            next: AtomicU64::new(0),
            earlier: Mutex::default(),
        })))
    }

    /// The public name of the kept key, from which the key cannot be found.
    pub(crate) fn name(&self) -> String {
        let name = hmac::sign(&self.0.key, b"signalbox journal 1, name of the state key");
        let name = name.as_ref().first_chunk().copied().unwrap_or_default();
        format!("{:016x}", u64::from_be_bytes(name))
    }

    /// Encrypts a record. `aad` should name its table and its key, so that a record that is moved does not open.
    ///
    /// # Errors
    /// [`SealError`] for a record of 64 GiB.
    pub(crate) fn seal(&self, aad: &[u8], record: &[u8]) -> Result<Vec<u8>, SealError> {
        // 2^64 are not reached: at one each nanosecond they last 580 years.
        let counter = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut bytes = Vec::with_capacity(OVERHEAD + record.len());
        bytes.extend_from_slice(&self.0.salt);
        bytes.extend_from_slice(&counter.to_le_bytes());
        bytes.extend_from_slice(&[0; TAG]);
        bytes.extend_from_slice(record);
        let (front, text) = bytes.split_at_mut_checked(OVERHEAD).ok_or(SealError)?;
        let tag = seal_in_place(&self.0.own, counter, aad, text)?;
        *front.last_chunk_mut().ok_or(SealError)? = tag;
        Ok(bytes)
    }

    /// Decrypts a record; `None` if it was sealed under another key or for another place, or was changed.
    pub(crate) fn open(&self, aad: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
        let (salt, rest) = bytes.split_first_chunk::<SALT>()?;
        let (counter, rest) = rest.split_first_chunk::<COUNTER>()?;
        let (tag, text) = rest.split_first_chunk::<TAG>()?;
        let sealed = Sealed {
            counter: u64::from_le_bytes(*counter),
            tag: *tag,
        };
        let mut text = text.to_vec();
        let opened = if *salt == self.0.salt {
            open_in_place(&self.0.own, &sealed, aad, &mut text)
        } else {
            open_in_place(&*self.earlier(salt)?, &sealed, aad, &mut text)
        };
        opened.then_some(text)
    }

    /// The key of another process.
    fn earlier(&self, salt: &[u8; SALT]) -> Option<Arc<LessSafeKey>> {
        let mut earlier = lock(&self.0.earlier);
        if let Some(key) = earlier.get(salt) {
            return Some(key.clone());
        }
        let key = Arc::new(derive(&self.0.key, salt).ok()?);
        if earlier.len() >= READY {
            earlier.clear();
        }
        earlier.insert(*salt, key.clone());
        Some(key)
    }
}

fn derive(key: &hmac::Key, salt: &[u8; SALT]) -> Result<LessSafeKey, SealError> {
    let mut context = hmac::Context::with_key(key);
    context.update(b"signalbox journal 1, records\0");
    context.update(salt);
    let derived = context.sign();
    let derived = DataKey(derived.as_ref().try_into().map_err(|_| SealError)?);
    derived.cipher()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_opened_by_later_processes_in_their_place_only() {
        let key = DataKey::random().unwrap();
        let mut sealed = Vec::new();
        for _ in 0..READY + 2 {
            let process = RecordCipher::new(&key).unwrap();
            sealed.push(process.seal(b"sinks/a", b"jane").unwrap());
            sealed.push(process.seal(b"sinks/a", b"jane").unwrap());
        }
        let now = RecordCipher::new(&key).unwrap();
        for bytes in &sealed {
            assert_eq!(bytes.len(), OVERHEAD + 4);
            assert_eq!(now.open(b"sinks/a", bytes).as_deref(), Some(&b"jane"[..]));
            assert_eq!(now.open(b"sinks/b", bytes), None);
            assert_eq!(now.open(b"sinks/a", &bytes[..OVERHEAD - 1]), None);
        }
        let all: std::collections::HashSet<_> = sealed.iter().collect();
        assert_eq!(all.len(), sealed.len());
        let other = RecordCipher::new(&DataKey::random().unwrap()).unwrap();
        assert_eq!(other.open(b"sinks/a", &sealed[0]), None);
        for bit in 0..sealed[0].len() * 8 {
            let mut flipped = sealed[0].clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(now.open(b"sinks/a", &flipped), None);
        }
    }
}
