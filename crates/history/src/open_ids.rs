//! The ids of the newest records, which are not in the table of ids yet.
//!
//! Ids are random numbers: an index that takes them one by one writes a page for each. So they wait here, and go into the
//! table sorted, as a segment of it, many at once.

use std::sync::{Mutex, PoisonError};

use crate::files::RowFile;
use crate::ids::IdHash;

/// The ids of one file's newest records. The thread of the history adds them, searches read them.
#[derive(Debug, Default)]
pub(crate) struct OpenIds(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    file: Option<RowFile>,
    ids: Vec<(IdHash, i64)>,
}

impl OpenIds {
    fn with<T>(&self, work: impl FnOnce(&mut Waiting) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins with a file's ids.
    pub(crate) fn begin(&self, file: RowFile, ids: Vec<(IdHash, i64)>) {
        self.with(|waiting| {
            *waiting = Waiting {
                file: Some(file),
                ids,
            }
        });
    }

    /// Adds the ids of a row.
    pub(crate) fn add(&self, ids: impl Iterator<Item = IdHash>, row: i64) {
        self.with(|waiting| waiting.ids.extend(ids.map(|id| (id, row))));
    }

    /// Returns their number.
    pub(crate) fn len(&self) -> usize {
        self.with(|waiting| waiting.ids.len())
    }

    /// Returns them sorted.
    pub(crate) fn sorted(&self) -> Vec<(IdHash, i64)> {
        let mut ids = self.with(|waiting| waiting.ids.clone());
        ids.sort_unstable();
        ids
    }

    /// Forgets all: they are in the table.
    pub(crate) fn clear(&self) {
        self.with(|waiting| waiting.ids.clear());
    }

    /// Forgets the ids of rows from this one on, which were not written.
    pub(crate) fn forget_from(&self, row: i64) {
        self.with(|waiting| waiting.ids.retain(|(_, known)| *known < row));
    }

    /// Forgets the ids of these rows, which are sorted.
    pub(crate) fn forget(&self, rows: &[i64]) {
        self.with(|waiting| waiting.ids.retain(|(_, row)| rows.binary_search(row).is_err()));
    }

    /// Finds the rows of a file that have one of these ids; `None` while there is no file to write.
    pub(crate) fn find(&self, file: RowFile, ids: &[IdHash]) -> Option<Vec<i64>> {
        self.with(|waiting| {
            if waiting.file? != file {
                return Some(Vec::new());
            }
            let found = waiting.ids.iter().filter(|(id, _)| ids.contains(id));
            Some(found.map(|(_, row)| *row).collect())
        })
    }
}
