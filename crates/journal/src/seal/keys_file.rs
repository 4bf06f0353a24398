//! `keys.bin`: the state key and the id key of a sealed journal, wrapped.
//!
//! All numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`] |
//! | 2, 2 | format version, length of it all |
//! | 68 | the [wrapped](super::wrapped) state key |
//! | 68 | the wrapped id key |
//! | 8 | XXH3 of all before |
//!
//! Every later version keeps the first two lines, and a checksum at the end.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use twox_hash::XxHash3_64;

use super::cipher::DataKey;
use super::error::SealError;
use super::id_key::IdKey;
use super::operator::{KeyId, Keys};
use super::records::RecordCipher;
use super::wrapped::{LENGTH as WRAPPED, Locked, Purpose, Wrapped};
use crate::JournalError;
use crate::fs::{private, set_aside, sync_folder};
use crate::halt::Cause;
use crate::log::bytes::fixed_part;
use crate::panic_guard::{Trouble, io, newer};

/// No text contains this: 0xF7 never occurs in UTF-8.
const MAGIC: [u8; 8] = *b"\xF7sbkeys1";
const VERSION: u16 = 1;
const LENGTH: usize = 156;
pub(crate) const NAME: &str = "keys.bin";

/// The keys of a sealed journal, opened.
#[derive(Clone)]
pub(crate) struct JournalKeys {
    /// The operator's keys.
    pub(crate) operator: Keys,
    /// Seals the records of the state.
    pub(crate) records: RecordCipher,
    /// Hashes ids.
    pub(crate) ids: IdKey,
    /// The content of `keys.bin`, of which the heading of each file of frames keeps a copy.
    pub(crate) wrapped: WrappedKeys,
    save: Save,
    /// The operator's keys under which `keys.bin` lies in the folder.
    under: [KeyId; 2],
}

/// The task of [`JournalKeys::save`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Save {
    /// The file is as it should be.
    No,
    /// The file is missing.
    New,
    /// The file is wrapped under an earlier key.
    Rotated,
    /// The file is damaged.
    Instead,
}

/// The content of `keys.bin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrappedKeys {
    pub(crate) state: Wrapped,
    pub(crate) ids: Wrapped,
}

/// The result of a look at `keys.bin`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No file: the journal is new, or not sealed.
    Nothing,
    Whole(WrappedKeys),
    /// A file that cannot be read.
    Broken,
}

impl WrappedKeys {
    pub(crate) fn new(keys: &Keys) -> Result<WrappedKeys, SealError> {
        let (_, state) = Wrapped::new_key(keys, Purpose::State)?;
        let (_, ids) = Wrapped::new_key(keys, Purpose::Ids)?;
        Ok(WrappedKeys { state, ids })
    }

    /// The operator's keys that open it.
    pub(crate) fn keys(&self) -> [KeyId; 2] {
        [self.state.key(), self.ids.key()]
    }

    fn unwrap(&self, keys: &Keys) -> Result<(DataKey, DataKey), Locked> {
        let state = self.state.unwrap(keys, Purpose::State)?;
        Ok((state, self.ids.unwrap(keys, Purpose::Ids)?))
    }

    /// Tests if the operator's keys open it.
    ///
    /// # Errors
    /// [`Locked`] if they do not.
    pub(crate) fn check(&self, keys: &Keys) -> Result<(), Locked> {
        self.unwrap(keys).map(|_| ())
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(LENGTH as u16).to_le_bytes());
        bytes.extend_from_slice(self.state.as_bytes());
        bytes.extend_from_slice(self.ids.as_bytes());
        bytes.extend_from_slice(&XxHash3_64::oneshot(&bytes).to_le_bytes());
        bytes
    }

    /// Reads the keys; `None` if the bytes are damaged.
    ///
    /// # Errors
    /// [`Trouble::Newer`]
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<WrappedKeys>, Trouble> {
        let Some((version, mut fields)) = fixed_part(bytes, &MAGIC) else {
            return Ok(None);
        };
        if version != VERSION {
            return Err(newer("keys", version.into(), Some(VERSION.into())));
        }
        let mut wrapped = || fields.array::<WRAPPED>().map(Wrapped::from_bytes).ok();
        Ok(wrapped()
            .zip(wrapped())
            .map(|(state, ids)| WrappedKeys { state, ids }))
    }

    /// Writes `keys.bin` durably: at every moment it is the previous one or the new one.
    fn write(self, folder: &Path) -> std::io::Result<()> {
        let draft = folder.join("keys.draft");
        let mut file = private().create(true).truncate(true).open(&draft)?;
        file.write_all(&self.to_bytes())?;
        file.sync_all()?;
        fs::rename(draft, folder.join(NAME))?;
        sync_folder(folder)
    }
}

/// Looks at `keys.bin` and changes nothing.
///
/// # Errors
/// [`JournalError`] if the system refuses to read it, or a newer version wrote it.
pub(crate) fn find(folder: &Path) -> Result<Found, JournalError> {
    let path = folder.join(NAME);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        bytes => bytes.map_err(|error| io(&error).at(&path))?,
    };
    let parsed = WrappedKeys::parse(&bytes).map_err(|trouble| trouble.at(&path))?;
    Ok(parsed.map_or(Found::Broken, Found::Whole))
}

impl JournalKeys {
    /// Opens the keys of a journal in memory; writes nothing. Without a readable file it takes `copy`, and without that it
    /// makes keys. After a rotation it wraps them under the newest key.
    ///
    /// # Errors
    /// [`JournalError`] if the system gives no random numbers.
    pub(crate) fn open(
        operator: &Keys,
        found: &Found,
        copy: Option<WrappedKeys>,
    ) -> Result<JournalKeys, JournalError> {
        let failed = |error: SealError| JournalError(format!("{NAME}: {error}"));
        let opened = |wrapped: &WrappedKeys| Some((*wrapped, wrapped.unwrap(operator).ok()?));
        let kept = match found {
            Found::Whole(wrapped) => opened(wrapped),
            Found::Nothing | Found::Broken => None,
        };
        let mut save = match (&kept, found) {
            (Some(_), _) => Save::No,
            (None, Found::Nothing) => Save::New,
            (None, _) => Save::Instead,
        };
        let (mut wrapped, (state, ids)) = match kept.or_else(|| copy.as_ref().and_then(opened)) {
            Some(known) => known,
            None => {
                let new = WrappedKeys::new(operator).map_err(failed)?;
                opened(&new).ok_or_else(|| failed(SealError))?
            }
        };
        let newest = operator.ids().next();
        if wrapped.keys().iter().any(|key| Some(*key) != newest) {
            wrapped = WrappedKeys {
                state: Wrapped::wrap(&state, operator, Purpose::State).map_err(failed)?,
                ids: Wrapped::wrap(&ids, operator, Purpose::Ids).map_err(failed)?,
            };
            if save == Save::No {
                save = Save::Rotated;
            }
        }
        let under = match found {
            Found::Whole(found) if save == Save::Rotated => found.keys(),
            _ => wrapped.keys(),
        };
        Ok(JournalKeys {
            operator: operator.clone(),
            records: RecordCipher::new(&state).map_err(failed)?,
            ids: IdKey::new(&ids),
            wrapped,
            save,
            under,
        })
    }

    /// The operator's keys that `keys.bin` needs.
    pub(crate) fn under(&self) -> BTreeSet<KeyId> {
        self.under.into()
    }

    /// Writes the file, unless it is there as it should be. Call before anything is sealed.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be written.
    pub(crate) fn save(&mut self, folder: &Path) -> Result<(), JournalError> {
        let path = folder.join(NAME);
        if self.save == Save::Instead {
            let aside = set_aside(&path).map_err(|error| io(&error).at(&path))?;
            tracing::error!(file = %path.display(), set_aside = %aside.display(),
                "the keys of the state are damaged; the copy in the state or in a file of frames takes their place if there \
                 is one: without it, dead letters and parked events cannot be read, and duplicates may pass");
        }
        let written = match self.save {
            Save::No => Ok(()),
            _ => self.wrapped.write(folder),
        };
        match written {
            // The file under the earlier key stays, and that key is listed.
            Err(error) if self.save == Save::Rotated && Cause::of(&error) == Cause::Full => {
                tracing::warn!(file = %path.display(), "not wrapped under the newest key, since the disk is full");
                Ok(())
            }
            written => {
                written.map_err(|error| io(&error).at(&path))?;
                self.under = self.wrapped.keys();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::wrapped::tests::keys;

    fn open(folder: &Path, numbers: &[u8], copy: Option<WrappedKeys>) -> JournalKeys {
        let mut opened = JournalKeys::open(&keys(numbers), &find(folder).unwrap(), copy).unwrap();
        opened.save(folder).unwrap();
        opened
    }

    #[test]
    fn the_keys_stay_over_restarts_rotations_and_losses() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let made = open(folder, &[1], None);
        let (record, hash) = (
            made.records.seal(b"a", b"jane").unwrap(),
            made.ids.hash(b"s", b"id"),
        );
        let same = |keys: &JournalKeys| {
            assert_eq!(keys.records.open(b"a", &record).as_deref(), Some(&b"jane"[..]));
            assert_eq!(keys.ids.hash(b"s", b"id"), hash);
        };
        let again = open(folder, &[1], None);
        same(&again);
        assert_eq!(again.wrapped, made.wrapped, "nothing is written anew");
        let rotated = open(folder, &[2, 1], None);
        same(&rotated);
        assert_ne!(rotated.wrapped.keys(), made.wrapped.keys());
        same(&open(folder, &[2], None));
        fs::remove_file(folder.join(NAME)).unwrap();
        same(&open(folder, &[2, 1], Some(made.wrapped)));
        fs::write(folder.join(NAME), "no keys").unwrap();
        same(&open(folder, &[2], Some(rotated.wrapped)));
        assert!(folder.join("keys.bin.corrupt").exists());
        same(&open(folder, &[2], None));
    }

    #[test]
    fn no_cut_and_no_flipped_bit_passes_and_a_newer_version_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = open(folder.path(), &[1], None).wrapped.to_bytes();
        assert_eq!(bytes.len(), LENGTH);
        for length in 0..bytes.len() {
            assert!(WrappedKeys::parse(&bytes[..length]).unwrap().is_none());
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(WrappedKeys::parse(&flipped).unwrap().is_none(), "bit {bit}");
        }
        let mut newer = bytes[..LENGTH - 8].to_vec();
        newer[8] = 9;
        newer.extend_from_slice(&XxHash3_64::oneshot(&newer).to_le_bytes());
        assert!(matches!(WrappedKeys::parse(&newer), Err(Trouble::Newer(_))));
    }
}
