//! Seals frames, so that the servers never see an event.

use std::sync::Mutex;

use crate::JournalError;
use crate::log::file_key::{FileKey, WritingKey};
use crate::log::frame::{Frame, seal};
use crate::mutex::lock;
use crate::seal::error::SealError;
use crate::seal::id_key::IdKey;
use crate::seal::operator::Keys;

/// A message has no place before it is stored, so all are sealed for the same one.
const PLACE: u64 = 0;

/// Seals frames with a key of this process, which each frame carries wrapped under the operator's key.
pub(crate) struct FrameCipher {
    keys: Keys,
    ids: IdKey,
    key: Mutex<WritingKey>,
}

impl FrameCipher {
    /// Makes the key of this process. `ids` is the journal's key for ids.
    ///
    /// # Errors
    /// [`SealError`] if the system gives no random numbers.
    pub(crate) fn new(keys: &Keys, ids: IdKey) -> Result<FrameCipher, SealError> {
        Ok(FrameCipher {
            keys: keys.clone(),
            ids,
            key: Mutex::new(WritingKey::new(keys, PLACE)?),
        })
    }

    /// The key under which ids are hashed.
    pub(super) fn ids(&self) -> &IdKey {
        &self.ids
    }

    /// Seals a frame.
    pub(super) fn seal(&self, frame: &[u8]) -> Result<Vec<u8>, JournalError> {
        let mut sealed = Vec::new();
        seal(frame, &mut lock(&self.key), PLACE, &mut sealed)
            .map_err(|error| JournalError(format!("events cannot be encrypted: {error}")))?;
        Ok(sealed)
    }

    /// The key that opens the frames of all processes, and plain ones from before the journal had a key.
    pub(super) fn opener(&self) -> FileKey {
        FileKey::new(Some(&self.keys), PLACE, false)
    }
}

/// Opens a frame in place, with the key if it is sealed.
pub(super) fn open<'a>(bytes: &'a mut [u8], key: Option<&FileKey>) -> Result<Frame<'a>, &'static str> {
    match key {
        Some(key) => Frame::decode_at(bytes, key, PLACE),
        None => Frame::decode(bytes),
    }
}
