//! The file of the erasures, beside the state: an erasure outlives a lost state.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::digest::DigestKey;
use super::index::{Index, Span};
use super::list::{ErasureList, Kept, added, with_results};
use super::mark::ErasureMark;
use super::record::{Erasure, ErasureResults};
use super::subject::{Subject, Wanted};
use crate::checksum::{checked, verified};
use crate::fs::{folder_error, private, sync_folder};
use crate::mutex::lock;
use crate::panic_guard::newer;
use crate::seal::records::RecordCipher;
use crate::{JournalError, Position};

/// The name of the file.
pub(crate) const NAME: &str = "erasures";
/// The format that is written. A program refuses a newer one.
const FORMAT: u32 = 1;

/// The associated data of a sealed file.
const AAD: &[u8] = b"erasures";

/// The file, as JSON behind a checksum.
#[derive(Serialize, Deserialize)]
struct Form {
    format: u32,
    /// The contents, if the journal is not sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plain: Option<Contents>,
    /// The contents as JSON, encrypted, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    key: DigestKey,
    /// The number of the last erasure.
    last: u64,
    erasures: Vec<Kept>,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// The erasures of a journal, in memory and in their file.
pub(crate) struct ErasureStore {
    /// The journal's folder; `None` for a journal in memory.
    folder: Option<PathBuf>,
    /// Encrypts the file of a sealed journal.
    cipher: Option<RecordCipher>,
    pub(crate) list: Arc<ErasureList>,
    saved: Mutex<Saved>,
    /// True if the file is not as it should be, and [`ErasureStore::settle`] writes it.
    unsettled: bool,
}

#[derive(Debug, Default)]
struct Saved {
    /// Made with the first erasure.
    key: Option<DigestKey>,
    last: u64,
}

impl ErasureStore {
    /// Makes a store without a file.
    pub(crate) fn in_memory() -> ErasureStore {
        ErasureStore {
            folder: None,
            cipher: None,
            list: Arc::default(),
            saved: Mutex::default(),
            unsettled: false,
        }
    }

    /// Reads the file of a folder, and changes nothing. `cipher` is that of a sealed journal.
    ///
    /// # Errors
    /// [`JournalError`] if the file cannot be read, is damaged, or a newer version wrote it: without it, events of people
    /// who asked to be erased would be delivered.
    pub(crate) fn load(folder: &Path, cipher: Option<RecordCipher>) -> Result<ErasureStore, JournalError> {
        let mut store = ErasureStore {
            folder: Some(folder.to_owned()),
            cipher,
            ..ErasureStore::in_memory()
        };
        let path = folder.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(store),
            Err(error) => return Err(folder_error(&path, "list of erasures cannot be read", &error)),
        };
        let json = verified(&bytes).ok_or_else(|| damaged(&path))?;
        let Format { format } = serde_json::from_slice(json).map_err(|_| damaged(&path))?;
        if format > FORMAT {
            return Err(newer("list of erasures", format, Some(FORMAT)).at(&path));
        }
        let form: Form = serde_json::from_slice(json).map_err(|_| damaged(&path))?;
        store.unsettled = form.plain.is_some() && store.cipher.is_some();
        let contents = store.opened(form).ok_or_else(|| damaged(&path))?;
        store.list.set(&contents.key, contents.erasures);
        *lock(&store.saved) = Saved {
            key: Some(contents.key),
            last: contents.last,
        };
        Ok(store)
    }

    /// Compares the list with the newest mark of it; changes nothing. `start` is the oldest position held, if any. With
    /// `accept`, a list that is lost is taken as it is, and goes on after the mark.
    ///
    /// # Errors
    /// [`JournalError`] if erasures are lost that cover events of the journal.
    pub(crate) fn check(
        &mut self,
        mark: Option<&ErasureMark>,
        start: Option<Position>,
        accept: bool,
    ) -> Result<(), JournalError> {
        let Some(mark) = mark else {
            return Ok(());
        };
        let lost = mark.lost(self.mark().as_ref(), start);
        let saved = self.saved.get_mut().unwrap_or_else(PoisonError::into_inner);
        saved.last = saved.last.max(mark.last);
        match (lost, &self.folder) {
            (Some(lost), Some(folder)) if !accept => Err(mark.refusal(&folder.join(NAME), lost)),
            (Some(_), _) => {
                tracing::warn!(
                    recorded_to = mark.last,
                    left = self.list.list().len(),
                    "erasures of the journal are lost, and the list goes on with those that are left: repeat the others"
                );
                // No mark of the lost list is newer than this one.
                saved.last += 1;
                if saved.key.is_none() {
                    saved.key = Some(DigestKey::random()?);
                }
                self.unsettled = true;
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    /// Writes the file if it must be encrypted, or if a lost list is begun anew.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be written.
    pub(crate) fn settle(&mut self) -> Result<(), JournalError> {
        if std::mem::take(&mut self.unsettled) {
            self.change(|kept| kept)?;
        }
        Ok(())
    }

    /// The mark of the list; `None` if there never was an erasure.
    pub(crate) fn mark(&self) -> Option<ErasureMark> {
        let saved = lock(&self.saved);
        Some(ErasureMark {
            last: saved.last,
            before: self.list.newest(),
            key: saved.key.as_ref()?.name(),
        })
    }

    /// Returns the contents of a file; `None` if they do not open.
    fn opened(&self, form: Form) -> Option<Contents> {
        if let Some(plain) = form.plain {
            return Some(plain);
        }
        let sealed = bytes(&form.sealed?)?;
        let json = self.cipher.as_ref()?.open(AAD, &sealed)?;
        serde_json::from_slice(&json).ok()
    }

    /// Makes a test for values.
    pub(crate) fn test(&self, wanted: &[Wanted], of: Option<&Erasure>) -> Result<Index, JournalError> {
        let key = lock(&self.saved).key.clone();
        let key = key.map_or_else(DigestKey::random, Ok)?;
        Ok(Index::of(key, wanted, of.map_or(Span::ALL, Span::of)))
    }

    /// Records an erasure of everything before a position, durably.
    pub(crate) fn record(
        &self,
        subject: Subject,
        wanted: &[Wanted],
        before: Position,
        at: i64,
    ) -> Result<Erasure, JournalError> {
        let mut saved = lock(&self.saved);
        let key = saved.key.clone().map_or_else(DigestKey::random, Ok)?;
        let erasure = Erasure {
            id: saved.last + 1,
            subject,
            values: wanted.len() as u64,
            at,
            before,
            results: ErasureResults::default(),
        };
        let digests = wanted.iter().flat_map(|one| one.digests(&key)).collect();
        let kept = added(self.list.kept(), erasure.clone(), digests);
        self.save(&key, erasure.id, &kept)?;
        self.list.set(&key, kept);
        *saved = Saved {
            key: Some(key),
            last: erasure.id,
        };
        Ok(erasure)
    }

    /// Saves the results of an erasure. One that has ended meanwhile has none.
    pub(crate) fn save_results(&self, id: u64, results: &ErasureResults) -> Result<(), JournalError> {
        self.change(|kept| with_results(kept, id, results))
    }

    /// Drops the erasures of which no frame is left: everything before `start` is deleted.
    pub(crate) fn drop_ended(&self, start: Position) -> Result<(), JournalError> {
        let ended = |kept: &Kept| kept.erasure.before <= start;
        if self.list.is_empty() || !self.list.kept().iter().any(ended) {
            return Ok(());
        }
        self.change(|mut kept| {
            kept.retain(|kept| !ended(kept));
            kept
        })
    }

    /// Encodes the list for a journal that several routers share: the contents of the file.
    #[cfg(feature = "nats")]
    pub(crate) fn contents(&self) -> Result<Option<Vec<u8>>, JournalError> {
        let saved = lock(&self.saved);
        let Some(key) = saved.key.clone() else {
            return Ok(None);
        };
        let contents = Contents {
            key,
            last: saved.last,
            erasures: self.list.kept(),
        };
        let json = serde_json::to_vec(&contents);
        json.map(Some)
            .map_err(|error| JournalError(format!("the list of erasures cannot be encoded: {error}")))
    }

    /// Replaces the list by contents that a router has written; `None` if they cannot be read.
    #[cfg(feature = "nats")]
    pub(crate) fn install(&self, contents: &[u8]) -> Option<()> {
        let contents: Contents = serde_json::from_slice(contents).ok()?;
        self.list.set(&contents.key, contents.erasures);
        *lock(&self.saved) = Saved {
            key: Some(contents.key),
            last: contents.last,
        };
        Some(())
    }

    /// Makes a store in memory with the same list, to try a change before it is written.
    #[cfg(feature = "nats")]
    pub(crate) fn draft(&self) -> ErasureStore {
        let draft = ErasureStore::in_memory();
        let saved = lock(&self.saved);
        if let Some(key) = &saved.key {
            draft.list.set(key, self.list.kept());
            *lock(&draft.saved) = Saved {
                key: Some(key.clone()),
                last: saved.last,
            };
        }
        draft
    }

    fn change(&self, change: impl FnOnce(Vec<Kept>) -> Vec<Kept>) -> Result<(), JournalError> {
        let saved = lock(&self.saved);
        let Some(key) = saved.key.clone() else {
            return Ok(());
        };
        let kept = change(self.list.kept());
        self.save(&key, saved.last, &kept)?;
        self.list.set(&key, kept);
        Ok(())
    }

    /// Encodes the contents of the file.
    fn form(&self, contents: Contents) -> std::io::Result<Vec<u8>> {
        let form = match &self.cipher {
            None => Form {
                format: FORMAT,
                plain: Some(contents),
                sealed: None,
            },
            Some(cipher) => {
                let sealed = cipher.seal(AAD, &serde_json::to_vec(&contents)?);
                let sealed = sealed.map_err(std::io::Error::other)?;
                Form {
                    format: FORMAT,
                    plain: None,
                    sealed: Some(sealed.iter().map(|byte| format!("{byte:02x}")).collect()),
                }
            }
        };
        Ok(serde_json::to_vec(&form)?)
    }

    /// Replaces the file by a new one, which is complete and durable before it gets the name.
    fn save(&self, key: &DigestKey, last: u64, kept: &[Kept]) -> Result<(), JournalError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let contents = Contents {
            key: key.clone(),
            last,
            erasures: kept.to_vec(),
        };
        let failed = |error: &std::io::Error| folder_error(folder, "cannot take the list of erasures", error);
        let json = self.form(contents).map_err(|error| failed(&error))?;
        let draft = folder.join(format!("{NAME}.draft"));
        let written = private()
            .create(true)
            .truncate(true)
            .open(&draft)
            .and_then(|mut file| {
                file.write_all(&checked(&json))?;
                file.sync_all()?;
                fs::rename(&draft, folder.join(NAME))?;
                sync_folder(folder)
            });
        written.map_err(|error| failed(&error))
    }
}

/// Reads hexadecimal digits.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn damaged(path: &Path) -> JournalError {
    JournalError(format!(
        "{}: the list of erasures is damaged, and without it events of people who asked to be erased would be delivered; \
         restore the file from a backup, or move it away and repeat these erasures before the router runs, the first one \
         with `signalbox erase --list-lost`. Nothing was changed",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::keys_file::{Found, JournalKeys};
    use crate::seal::wrapped::tests::keys;

    fn wanted() -> Vec<Wanted> {
        vec![Wanted::new(Subject::Email, "ann@shop.example").unwrap()]
    }

    #[test]
    fn erasures_survive_and_end_with_the_frames_before_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = ErasureStore::load(folder.path(), None).unwrap();
        assert!(store.list.is_empty() && !folder.path().join(NAME).exists());
        assert_eq!(store.record(Subject::Email, &wanted(), 7, 1_000).unwrap().id, 1);
        assert_eq!(store.record(Subject::Email, &wanted(), 9, 2_000).unwrap().id, 2);
        let results = ErasureResults {
            dead_letters: 3,
            purge_to: 5,
            ..ErasureResults::default()
        };
        store.save_results(1, &results).unwrap();
        let store = ErasureStore::load(folder.path(), None).unwrap();
        let list = store.list.list();
        assert_eq!(
            (list.len(), list[0].results.clone(), list[1].before),
            (2, results, 9)
        );
        assert_eq!((store.list.newest(), store.list.purge_to()), (9, 5));
        store.drop_ended(6).unwrap();
        assert_eq!(store.list.list().len(), 2);
        store.drop_ended(7).unwrap();
        assert_eq!(store.list.list().len(), 1);
        store.drop_ended(9).unwrap();
        let store = ErasureStore::load(folder.path(), None).unwrap();
        assert!(store.list.is_empty());
        assert_eq!(store.record(Subject::Email, &wanted(), 9, 1).unwrap().id, 3);
        let bytes = fs::read(folder.path().join(NAME)).unwrap();
        assert!(
            !String::from_utf8_lossy(&bytes).contains("ann"),
            "the value is not written"
        );
    }

    #[test]
    fn a_sealed_journal_encrypts_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = || String::from_utf8_lossy(&fs::read(folder.path().join(NAME)).unwrap()).into_owned();
        let store = ErasureStore::load(folder.path(), None).unwrap();
        store.record(Subject::Email, &wanted(), 7, 1_000).unwrap();
        assert!(file().contains("\"email\""));
        let keys = JournalKeys::open(&keys(&[1]), &Found::Nothing, None).unwrap();
        let sealed = || {
            let mut store = ErasureStore::load(folder.path(), Some(keys.records.clone())).unwrap();
            store.settle().unwrap();
            store
        };
        assert_eq!(sealed().list.list().len(), 1);
        assert!(!file().contains("email"), "{}", file());
        sealed().record(Subject::Email, &wanted(), 9, 2_000).unwrap();
        assert_eq!(sealed().list.list().len(), 2);
        assert!(ErasureStore::load(folder.path(), None).is_err());
    }

    #[test]
    fn a_damaged_or_newer_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let store = ErasureStore::load(folder.path(), None).unwrap();
        store.record(Subject::Email, &wanted(), 7, 1_000).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let error = ErasureStore::load(folder.path(), None).err().unwrap().to_string();
        assert!(error.contains("damaged") && error.contains("backup"), "{error}");
        fs::write(&path, checked(br#"{"format":2}"#)).unwrap();
        let error = ErasureStore::load(folder.path(), None).err().unwrap().to_string();
        assert!(error.contains("newer version"), "{error}");
    }

    #[test]
    fn a_lost_list_is_refused_or_accepted_and_goes_on_after_the_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let load = || ErasureStore::load(folder.path(), None).unwrap();
        assert_eq!(load().mark(), None);
        load().record(Subject::Email, &wanted(), 7, 1_000).unwrap();
        let older = fs::read(&path).unwrap();
        load().record(Subject::Email, &wanted(), 9, 2_000).unwrap();
        let mark = load().mark().unwrap();
        let check = |start, accept| {
            let mut store = load();
            store.check(Some(&mark), start, accept).map(|()| store)
        };
        assert!(check(Some(0), false).is_ok() && load().check(None, Some(0), false).is_ok());
        fs::remove_file(&path).unwrap();
        let error = check(Some(8), false).err().unwrap().to_string();
        for told in [
            "erasures: the list",
            "missing",
            "number 2",
            "position 9",
            "--list-lost",
        ] {
            assert!(error.contains(told), "{error}");
        }
        // No event from before the erasures is left.
        let store = check(Some(9), false).unwrap();
        assert!(store.mark().is_none() && !path.exists());
        assert_eq!(store.record(Subject::Email, &wanted(), 12, 1).unwrap().id, 3);
        fs::write(&path, &older).unwrap();
        let error = check(Some(8), false).err().unwrap().to_string();
        assert!(error.contains("ends with number 1"), "{error}");
        let mut accepted = check(Some(8), true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), older, "nothing is written before");
        accepted.settle().unwrap();
        let accepted = load();
        assert_eq!(accepted.list.list().len(), 1, "what is left holds");
        assert_eq!(accepted.record(Subject::Email, &wanted(), 9, 1).unwrap().id, 4);
        fs::remove_file(&path).unwrap();
        check(Some(8), true).unwrap().settle().unwrap();
        let anew = load().mark().unwrap();
        assert_eq!((anew.last, anew.before), (3, 0));
        assert!(load().check(Some(&anew), Some(0), false).is_ok());
    }
}
