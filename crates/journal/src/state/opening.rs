//! Opens the state: looks at it first, begins or rescues it in a draft if necessary, and only then writes to it. At
//! every moment the file is either the previous one or a complete new one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase, TableError};
use serde::Deserialize;

use super::contents::Contents;
use super::read_pin::ReadPin;
use super::rebuild::{self, Basis};
use super::recovery::Known;
use super::seal_all::seal_all;
use super::state_file::{Loaded, StateFile, load};
use super::store::{Store, open_database};
use super::tables::{CACHE, FILE, HEAD, Head, NEWEST, format, put_head};
use super::tentative::Tentative;
use super::values::{Change, HeadSeal, Values};
use crate::JournalError;
use crate::checksum::verified;
use crate::erasures::ErasureMark;
use crate::fs::{folder_error, link_aside, private, sync_folder};
use crate::panic_guard::{Trouble, guarded, io, newer};
use crate::seal::keys_file::WrappedKeys;
use crate::sink_record::SinkRecord;

/// The result of a look at the file.
pub(crate) enum Found {
    /// No file, or one that was never committed as complete.
    Nothing,
    /// An intact file; nothing is written to it yet.
    Whole(Box<(Database, Tentative, Loaded)>),
    /// A file that cannot be read whole, and why.
    Broken(String),
}

impl StateFile {
    /// Looks at the file of a folder and changes nothing.
    ///
    /// # Errors
    /// [`JournalError`] if the system refuses access to the file, a newer version wrote it, or it is sealed with another
    /// key.
    pub(crate) fn find(folder: &Path, values: Values) -> Result<(StateFile, Found), JournalError> {
        let state = StateFile {
            path: folder.join(FILE),
            pin: ReadPin::default(),
            store: Store::new(values),
        };
        match state.look() {
            Ok(found) => Ok((state, found)),
            Err(Trouble::Broken(why)) => Ok((state, Found::Broken(why))),
            Err(trouble) => Err(trouble.at(&state.path)),
        }
    }

    /// Reads the copy of the wrapped keys in the state of a folder, and changes nothing; `None` if there is none.
    ///
    /// # Errors
    /// [`JournalError`] if the system refuses access to the file.
    pub(crate) fn kept_keys(folder: &Path) -> Result<Option<WrappedKeys>, JournalError> {
        Ok(kept(&folder.join(FILE))?.and_then(|head| head.seal?.keys()))
    }

    /// Reads the mark of the list of erasures in a found file, also in one that cannot be read whole; `None` if there is
    /// none.
    ///
    /// # Errors
    /// [`JournalError`] if the system refuses access to the file.
    pub(crate) fn kept_mark(&self, found: &Found) -> Result<Option<ErasureMark>, JournalError> {
        match found {
            Found::Nothing => Ok(None),
            Found::Whole(whole) => Ok(whole.2.head.erasures.clone()),
            Found::Broken(_) => Ok(kept(&self.path)?.and_then(|head| head.erasures)),
        }
    }

    /// Opens the found file for writing, begins a new one, or rescues the readable part of a broken one.
    pub(crate) fn open(&mut self, found: Found, basis: &Basis) -> Result<Loaded, JournalError> {
        match found {
            Found::Whole(whole) => self.take(*whole),
            Found::Nothing => {
                let contents = basis.contents(&BTreeMap::new());
                if contents.head.rebuilt || basis.given > 0 {
                    tracing::error!(file = %self.path.display(), starts = basis.starts(),
                        "the journal's state is missing beside its events and begun anew; \
                         dead letters and parked events are gone with it");
                    rebuild::tell_all(&contents.head.again);
                }
                self.replace(&contents, false)
            }
            Found::Broken(why) => self.salvage(&why, Known::InFiles(basis)),
        }
    }

    pub(super) fn look(&self) -> Result<Found, Trouble> {
        look(&self.path, &self.store.values)
    }

    fn settle(
        &mut self,
        (db, file, mut loaded): (Database, Tentative, Loaded),
    ) -> Result<Loaded, JournalError> {
        file.settle().map_err(|error| io(&error).at(&self.path))?;
        self.store.open(db);
        let (format, seal) = (format(&self.store.values), self.store.values.seal());
        loaded.head.complete = true;
        let old = std::mem::replace(&mut loaded.head.format, format) < format;
        if old | (std::mem::replace(&mut loaded.head.seal, seal.clone()) != seal) {
            // From now on there may be frames that an earlier version does not know.
            self.write(|txn| put_head(txn, &loaded.head))
                .map_err(|trouble| trouble.at(&self.path))?;
        }
        Ok(loaded)
    }

    /// Opens a whole file for writing. If it is plain and the journal has a key, a sealed file replaces it first.
    pub(super) fn take(&mut self, whole: (Database, Tentative, Loaded)) -> Result<Loaded, JournalError> {
        let (db, file, loaded) = whole;
        if loaded.head.seal.is_some() || !self.store.values.are_sealed() {
            return self.settle((db, file, loaded));
        }
        // Nothing has been written to the plain file, which is dropped with its changes.
        let sealed = self.begin_anew(|txn| seal_all(&db, txn, &loaded.head), false);
        let _ = guarded(move || {
            drop(db);
            Ok(())
        });
        let loaded = sealed.map_err(|error| {
            JournalError(format!(
                "{error}; the state is in plain and stays as it is until a sealed one of its size can be written"
            ))
        })?;
        tracing::info!(file = %self.path.display(), "the journal's state is sealed from now on");
        Ok(loaded)
    }

    /// Replaces the file with a new one; keeps the old one under another name if it is worth keeping.
    pub(super) fn replace(&mut self, contents: &Contents, keep: bool) -> Result<Loaded, JournalError> {
        self.close();
        self.begin_anew(|txn| contents.write(txn), keep)
    }

    /// Writes a new file in a draft, which then takes the file's name.
    fn begin_anew(
        &mut self,
        fill: impl FnOnce(&Change<'_>) -> Result<(), redb::Error>,
        keep: bool,
    ) -> Result<Loaded, JournalError> {
        let draft = self.path.with_extension("draft");
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let failed = |error: &std::io::Error| folder_error(folder, "cannot be written to", error);
        remove(&draft).map_err(|error| failed(&error))?;
        let written = guarded(|| {
            let db = Builder::new()
                .set_cache_size(CACHE)
                .create_with_backend(new_file(&draft)?)?;
            let txn = db.begin_write()?;
            fill(&Change {
                txn: &txn,
                values: &self.store.values,
            })?;
            txn.commit()?;
            Ok(())
        });
        if let Err(trouble) = written {
            let _ = remove(&draft);
            return Err(trouble.at(&draft));
        }
        if keep {
            let aside = link_aside(&self.path).map_err(|error| failed(&error))?;
            tracing::error!(set_aside = %aside.display(), "the unreadable state is kept there");
        }
        let moved = fs::rename(&draft, &self.path).and_then(|()| sync_folder(folder));
        moved.map_err(|error| failed(&error))?;
        match self.look() {
            Ok(Found::Whole(whole)) => self.take(*whole),
            Ok(_) => Err(JournalError(format!(
                "{}: cannot be read though it was just written; check the disk",
                self.path.display()
            ))),
            Err(trouble) => Err(trouble.at(&self.path)),
        }
    }

    /// Opens the file again after a failed write, or, if it is broken or gone, begins it anew with the contents in
    /// memory.
    pub(crate) fn reopen(
        &mut self,
        head: &Head,
        sinks: &BTreeMap<String, SinkRecord>,
    ) -> Result<(), JournalError> {
        self.close();
        let contents = || Contents {
            head: Head {
                rebuilt: true,
                ..head.clone()
            },
            sinks: sinks.clone(),
            ..Contents::default()
        };
        match self.look() {
            Ok(Found::Whole(whole)) => self.take(*whole),
            Ok(Found::Nothing) => {
                tracing::error!(file = %self.path.display(),
                    "the journal's state is gone: dead letters and parked events are gone with it");
                self.replace(&contents(), false)
            }
            Ok(Found::Broken(why)) | Err(Trouble::Broken(why)) => {
                self.salvage(&why, Known::InMemory(Box::new(contents())))
            }
            Err(trouble) => Err(trouble.at(&self.path)),
        }
        .map(|_| ())
    }
}

/// Reads the whole file without writing to it.
fn whole_file(path: &Path) -> Result<Option<(Tentative, Database, Vec<u8>)>, Trouble> {
    let file = match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| io(&error))?,
    };
    if file.metadata().map_err(|error| io(&error))?.len() == 0 {
        return Ok(None);
    }
    let tentative = Tentative::new(file).map_err(|error| io(&error))?;
    let (db, head) = guarded(|| {
        let db = open_database(tentative.clone())?;
        let head = head(&db)?;
        Ok((db, head))
    })?;
    Ok(head.map(|head| (tentative, db, head)))
}

/// Reads the first members of the stored head; `None` if they cannot be read.
fn kept(path: &Path) -> Result<Option<Format>, JournalError> {
    match whole_file(path) {
        Ok(found) => Ok(found.and_then(|(_, db, head)| {
            let _ = guarded(move || {
                drop(db);
                Ok(())
            });
            Format::read(&head)
        })),
        Err(Trouble::Broken(_)) => Ok(None),
        Err(trouble) => Err(trouble.at(path)),
    }
}

/// Makes the file of a store for its owner alone.
fn new_file(path: &Path) -> Result<FileBackend, redb::Error> {
    let file = private().create(true).truncate(false).open(path)?;
    Ok(FileBackend::new(file)?)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The members of a head that are read before the others: `format` is in every version.
#[derive(Deserialize)]
struct Format {
    format: u32,
    #[serde(default)]
    seal: Option<HeadSeal>,
    #[serde(default)]
    erasures: Option<ErasureMark>,
}

impl Format {
    fn read(head: &[u8]) -> Option<Format> {
        serde_json::from_slice(verified(head)?).ok()
    }
}

fn look(path: &Path, values: &Values) -> Result<Found, Trouble> {
    let Some((tentative, db, head)) = whole_file(path)? else {
        return Ok(Found::Nothing);
    };
    let format = Format::read(&head);
    if let Some(Format { format, seal, .. }) = format {
        if format > NEWEST {
            return Err(newer("state", format, Some(NEWEST)));
        }
        values.check(seal.as_ref())?;
    }
    let (db, loaded) = guarded(move || {
        let txn = db.begin_write()?;
        let loaded = load(&Change { txn: &txn, values })?;
        txn.commit()?;
        Ok((db, loaded))
    })?;
    for (name, (sink, _)) in &loaded.sinks {
        sink.check(name)?;
    }
    // An earlier version first committed an empty head, and only later noted that the state was rebuilt.
    let head = &loaded.head;
    if head.complete || head.next_position > 0 || !loaded.sinks.is_empty() {
        Ok(Found::Whole(Box::new((db, tentative, loaded))))
    } else {
        Ok(Found::Nothing)
    }
}

/// Reads the stored head; `None` if none was ever committed.
fn head(db: &Database) -> Result<Option<Vec<u8>>, redb::Error> {
    match db.begin_read()?.open_table(HEAD) {
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        table => Ok(table?.get("head")?.map(|head| head.value().to_vec())),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use redb::Builder;

    use super::*;
    use crate::state::dead_letters;
    use crate::state::tables::{SINKS, put_sink};
    use crate::{DeadLetter, DeadLetterFilter, Page, Progress};

    /// Opens the state of a folder without files of frames.
    pub(crate) fn opened(folder: &Path, values: &Values) -> Result<(StateFile, Loaded), JournalError> {
        let (mut state, found) = StateFile::find(folder, values.clone())?;
        let loaded = state.open(found, &Basis::default())?;
        Ok((state, loaded))
    }

    fn bytes(folder: &Path) -> Vec<u8> {
        fs::read(folder.join("state.redb")).unwrap()
    }

    #[test]
    fn a_newer_format_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, loaded) = opened(folder.path(), &Values::default()).unwrap();
        let newer = Head {
            format: NEWEST + 1,
            ..loaded.head
        };
        state.write(|txn| put_head(txn, &newer)).unwrap();
        // The file is as after a kill: the store would repair it.
        let before = bytes(folder.path());
        #[expect(clippy::disallowed_methods, reason = "a killed process closes nothing")]
        std::mem::forget(state);
        let error = opened(folder.path(), &Values::default())
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("newer version") && error.contains("state.redb"),
            "{error}"
        );
        assert!(before == bytes(folder.path()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_without_a_head_was_never_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        let basis = Basis {
            held: Some((0, 7)),
            given: 7,
            heading: None,
        };
        for damage in 0..3 {
            match damage {
                0 => fs::write(&path, "").unwrap(),
                // An early kill made earlier versions leave this: tables and no head, or an empty one.
                _ => {
                    let _ = fs::remove_file(&path);
                    let db = Builder::new().create(&path).unwrap();
                    let txn = db.begin_write().unwrap();
                    let change = Change {
                        txn: &txn,
                        values: &Values::default(),
                    };
                    if damage == 2 {
                        let head = Head {
                            format: 2,
                            ..Head::default()
                        };
                        put_head(&change, &head).unwrap();
                    }
                    load(&change).unwrap();
                    txn.commit().unwrap();
                }
            }
            let (mut state, found) = StateFile::find(folder.path(), Values::default()).unwrap();
            assert!(matches!(found, Found::Nothing));
            let loaded = state.open(found, &basis).unwrap();
            assert!(loaded.head.rebuilt && loaded.head.complete);
            drop(state);
            let (_, loaded) = opened(folder.path(), &Values::default()).unwrap();
            assert!(loaded.head.rebuilt, "it is in the first commit");
        }
    }

    #[test]
    fn records_behind_a_damaged_one_are_saved() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, loaded) = opened(folder.path(), &Values::default()).unwrap();
        let sink = |cursor| SinkRecord {
            progress: Progress {
                cursor,
                ..Progress::default()
            },
            ..SinkRecord::default()
        };
        let mut head = loaded.head;
        state
            .write(|txn| {
                put_sink(txn, "a", &sink(4))?;
                txn.open_table(SINKS)?.insert("b", &b"not what was written"[..])?;
                put_sink(txn, "c", &sink(6))?;
                let letter = DeadLetter {
                    component: "a".into(),
                    ..DeadLetter::default()
                };
                dead_letters::bury(txn, &mut head, [&letter])?;
                put_head(txn, &head)
            })
            .unwrap();
        state.close();
        let before = bytes(folder.path());
        let (state, loaded) = opened(folder.path(), &Values::default()).unwrap();
        let sinks: Vec<_> = loaded
            .sinks
            .iter()
            .map(|(name, (sink, _))| (name.as_str(), sink.progress.cursor))
            .collect();
        assert_eq!(sinks, [("a", 4), ("c", 6)]);
        assert!(loaded.head.rebuilt);
        assert_eq!((loaded.head.last_letter, loaded.head.letters["a"].0), (1, 1));
        let filter = DeadLetterFilter::default();
        let page = Page {
            limit: 9,
            ..Page::default()
        };
        let (page, damaged) = state
            .store
            .read(|txn| dead_letters::page(txn, &filter, page))
            .unwrap();
        assert_eq!((page.letters.len(), damaged), (1, 0));
        let aside = fs::read(folder.path().join("state.redb.corrupt")).unwrap();
        assert!(before == aside, "it is kept as it was");
    }
}
