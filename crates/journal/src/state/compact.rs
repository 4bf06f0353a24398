//! Compaction of the state's file. The store reuses free space, but its file does not shrink by itself. Compaction
//! moves the pages that lie behind the free space, so nothing else may use the file meanwhile.

use std::path::Path;
use std::time::Instant;

use redb::ReadableTableMetadata;

use super::opening::Found;
use super::read_pin::ReadPin;
use super::state_file::{Loaded, StateFile};
use super::tables::PARKED;
use super::values::Values;
use crate::JournalError;
use crate::panic_guard::guarded;

/// The most free space for which compaction is not worth the time, in bytes.
const LITTLE: u64 = 16 << 20;
/// The most bytes that compaction may move at a start: 5 seconds' work at 20 MB a second, which a slow disk writes.
const MOVED_AT_START: u64 = 100 << 20;

/// The size of the state's file before and after it was compacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes before.
    pub before: u64,
    /// Bytes after.
    pub after: u64,
}

impl StateFile {
    /// Compacts the file if most of it is free and it will not take long.
    pub(crate) fn compact_at_start(&mut self, loaded: &Loaded) {
        if !self.is_worth_it(loaded) {
            return;
        }
        let began = Instant::now();
        match self.compact() {
            Ok(Compacted { before, after }) => tracing::info!(
                file = %self.path.display(),
                before,
                after,
                took = ?began.elapsed(),
                "the journal's state was compacted"
            ),
            // The state works uncompacted, too.
            Err(error) => tracing::warn!("the journal's state was not compacted: {error}"),
        }
    }

    fn is_worth_it(&self, loaded: &Loaded) -> bool {
        let Ok(size) = std::fs::metadata(&self.path).map(|file| file.len()) else {
            return false;
        };
        let letters: u64 = loaded.head.letters.values().map(|(_, bytes)| bytes).sum();
        // AlignedBuffer are not full, and each value has a key.
        let taken = |bytes: u64| bytes + bytes / 2;
        let mostly_free = |bytes: u64| size > 2 * taken(bytes) + LITTLE && taken(bytes) <= MOVED_AT_START;
        // Parked events are counted only if compaction is worth it without them.
        mostly_free(letters)
            && self
                .store
                .read(|txn| Ok(txn.open_table(PARKED)?.stats()?.stored_bytes()))
                .is_ok_and(|parked| mostly_free(letters + parked))
    }

    /// Compacts the file, however long it takes. Afterwards it is open again, even if compaction failed.
    fn compact(&mut self) -> Result<Compacted, JournalError> {
        let size = |path: &Path| std::fs::metadata(path).map(|file| file.len()).unwrap_or(0);
        let before = size(&self.path);
        self.pin = ReadPin::default();
        let Some(mut db) = self.store.take() else {
            return Err(JournalError(format!("{}: it is closed", self.path.display())));
        };
        let compacted = guarded(|| {
            db.compact()?;
            Ok(())
        });
        if let Err(trouble) = compacted {
            let _ = guarded(move || {
                drop(db);
                Ok(())
            });
            if let Found::Whole(whole) = self.look().map_err(|trouble| trouble.at(&self.path))? {
                self.take(*whole)?;
            }
            return Err(trouble.at(&self.path));
        }
        self.store.open(db);
        Ok(Compacted {
            before,
            after: size(&self.path),
        })
    }
}

/// Compacts the state of a folder whose lock the caller holds.
pub(crate) fn compact(folder: &Path, values: Values) -> Result<Compacted, JournalError> {
    let (mut state, found) = StateFile::find(folder, values)?;
    let whole = match found {
        Found::Whole(whole) => whole,
        Found::Nothing => {
            return Err(JournalError(format!(
                "{}: there is no state to compact",
                folder.display()
            )));
        }
        Found::Broken(why) => {
            return Err(JournalError(format!(
                "{}: {why}; start the router, which saves what can be saved",
                folder.display()
            )));
        }
    };
    state.take(*whole)?;
    let compacted = state.compact();
    state.close();
    compacted
}
