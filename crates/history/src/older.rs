//! Files of rows that are not written any more, under watch until they are too old.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::checks::{Checked, Checks};
use crate::db::{self, Trouble};
use crate::files::{self, RowFile};
use crate::health::Numbers;
use crate::losses::{Content, DAMAGED, DELETED, OVERWRITTEN};
use crate::open_file::last_row;
use crate::watched::{State, Watched};

/// A file and the number of its rows, if it could be read.
struct Known {
    watched: Watched,
    rows: Option<u64>,
}

/// The files of rows but the one that is being written.
pub(crate) struct Older {
    files: BTreeMap<RowFile, Known>,
    numbers: Arc<Numbers>,
}

impl Older {
    pub(crate) fn new(numbers: Arc<Numbers>) -> Older {
        Older {
            files: BTreeMap::new(),
            numbers,
        }
    }

    /// Adds a file that was closed.
    pub(crate) fn add(&mut self, name: RowFile, watched: Watched, rows: u64) {
        let rows = Some(rows);
        self.files.insert(name, Known { watched, rows });
    }

    /// Ends the watch of a file, which is written again or was removed.
    pub(crate) fn forget(&mut self, name: RowFile) {
        self.files.remove(&name);
    }

    /// Accepts the present state of a file.
    pub(crate) fn accept(&mut self, name: RowFile) {
        if let Some(known) = self.files.get_mut(&name) {
            known.watched.accept();
        }
    }

    /// Looks if other programs have deleted or overwritten files; `open` is being written. Damaged files are set aside.
    ///
    /// # Errors
    /// [`Trouble`] if the folder cannot be read, or a file not be renamed.
    pub(crate) fn look(
        &mut self,
        folder: &Path,
        open: Option<RowFile>,
        checks: &mut Checks,
    ) -> Result<(), Trouble> {
        let listed = files::list(folder).map_err(|error| Trouble::io(folder, &error))?;
        // Another file may have its place.
        let is_gone = |name: &RowFile, known: &mut Known| {
            !listed.contains(name) || known.watched.state() == State::Gone
        };
        let gone = self.files.extract_if(.., is_gone);
        for (name, known) in gone {
            self.numbers
                .lose(Content::Records(known.rows), format!("{} {DELETED}", name.name()));
        }
        for name in listed.into_iter().filter(|name| Some(*name) != open) {
            match self.files.get(&name).map(|known| known.watched.state()) {
                None => self.learn(name, folder)?,
                Some(State::Changed) => {
                    self.check(name, folder, OVERWRITTEN, checks)?;
                }
                // A file that was deleted just now is counted at the next look.
                Some(State::Same | State::Gone) => {}
            }
        }
        Ok(())
    }

    /// Reads the number of a file's rows, and sets a damaged file aside.
    fn learn(&mut self, name: RowFile, folder: &Path) -> Result<(), Trouble> {
        let path = name.path(folder);
        let read =
            db::read(&path).and_then(|(db, _)| last_row(&db).map_err(|error| Trouble::of(&path, &error)));
        let rows = match read {
            Ok(rows) => u64::try_from(rows).ok(),
            Err(trouble) if trouble.is_damage() => {
                return self.numbers.set_aside(&path, DAMAGED, Content::Records(None));
            }
            Err(_) => None,
        };
        let watched = Watched::new(path);
        self.files.insert(name, Known { watched, rows });
        Ok(())
    }

    /// Checks a file, and sets a damaged one aside. Returns false if there was no time for it.
    ///
    /// # Errors
    /// [`Trouble`] if it cannot be renamed.
    pub(crate) fn check(
        &mut self,
        name: RowFile,
        folder: &Path,
        how: &str,
        checks: &mut Checks,
    ) -> Result<bool, Trouble> {
        let path = name.path(folder);
        match checks.check(&path) {
            Checked::Sound => self.accept(name),
            Checked::Damaged => {
                let rows = self.files.remove(&name).and_then(|known| known.rows);
                self.numbers.set_aside(&path, how, Content::Records(rows))?;
            }
            Checked::Later => return Ok(false),
        }
        Ok(true)
    }

    /// Ends the watch of all files after the folder was deleted or replaced. Returns the number of deleted files, and of
    /// their rows.
    pub(crate) fn leave(&mut self) -> (u64, u64) {
        let files = std::mem::take(&mut self.files).into_values();
        let gone = files.filter(|known| known.watched.state() == State::Gone);
        gone.fold((0, 0), |(files, rows), known| {
            (files + 1, rows + known.rows.unwrap_or(0))
        })
    }
}
