//! The writer of rows: one open file at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rusqlite::Connection;

use crate::checks::{Checked, Checks};
use crate::db::{self, Trouble};
use crate::files::{self, HOUR_MILLIS, RowFile};
use crate::hashed::Hashed;
use crate::health::Numbers;
use crate::ids::{IdHash, IdKeys};
use crate::limits::Settings;
use crate::losses::{Content, DAMAGED, DELETED, OVERWRITTEN};
use crate::older::Older;
use crate::open_file::{MINUTE_MILLIS, OpenFile};
use crate::open_ids::OpenIds;
use crate::record::Record;
use crate::watched::State;
use crate::{kept_ids, losses, schema};

#[cfg(test)]
mod tests;

/// Rows at which the file of a day is full.
const MOST_ROWS: i64 = 2_000_000;
/// Ids that make a segment worth its while when a minute ends.
const SEGMENT: usize = 4_096;
/// Ids that make a segment at once.
const MOST_OPEN: usize = 100_000;

/// Writes rows.
pub(crate) struct Rows {
    settings: Settings,
    keys: IdKeys,
    open_ids: Arc<OpenIds>,
    numbers: Arc<Numbers>,
    file: Option<OpenFile>,
    older: Older,
}

impl Rows {
    pub(crate) fn new(
        settings: Settings,
        keys: IdKeys,
        open_ids: Arc<OpenIds>,
        numbers: Arc<Numbers>,
    ) -> Rows {
        Rows {
            settings,
            keys,
            open_ids,
            file: None,
            older: Older::new(numbers.clone()),
            numbers,
        }
    }

    /// Adds a record to the open transaction.
    ///
    /// # Errors
    /// [`Trouble`]; nothing since the last commit is kept then.
    pub(crate) fn add(&mut self, record: &Record<'_>, now: i64) -> Result<(), Trouble> {
        self.choose_file(now)?;
        let Some(file) = &mut self.file else { return Ok(()) };
        let row = file.next;
        let hashed = Hashed::of(record, &self.keys);
        let written = file.begin().and_then(|()| file.insert(row, record, &hashed));
        if let Err(error) = written {
            return Err(self.failed(&error));
        }
        file.next += 1;
        self.open_ids.add(hashed.all(), row);
        if self.open_ids.len() >= MOST_OPEN {
            self.commit(now)?;
        }
        Ok(())
    }

    /// Commits the added rows, and writes waiting ids as a segment if their time has come.
    ///
    /// # Errors
    /// [`Trouble`]; nothing since the last commit is kept then.
    pub(crate) fn commit(&mut self, now: i64) -> Result<(), Trouble> {
        let waiting = self.open_ids.len();
        let Some(file) = &mut self.file else { return Ok(()) };
        let minute = now.div_euclid(MINUTE_MILLIS);
        let minute_ends = minute != file.minute;
        file.minute = minute;
        let due = waiting >= MOST_OPEN
            || minute_ends && waiting >= SEGMENT
            || waiting > 0 && now - file.segment_at >= HOUR_MILLIS;
        self.write(due, now)
    }

    fn write(&mut self, segment: bool, now: i64) -> Result<(), Trouble> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if !segment && !file.writing {
            return Ok(());
        }
        let ids = segment.then(|| self.open_ids.sorted());
        if let Err(error) = file.commit(ids.as_deref()) {
            return Err(self.failed(&error));
        }
        if segment {
            file.segment_at = now;
            self.open_ids.clear();
        }
        Ok(())
    }

    /// Returns the number of rows that the next commit makes durable.
    pub(crate) fn uncommitted(&self) -> u64 {
        let rows = self.file.as_ref().map_or(0, |file| file.next - file.committed);
        u64::try_from(rows).unwrap_or(0)
    }

    /// Looks if another program has deleted or overwritten the file that is being written. A damaged one is set aside.
    ///
    /// # Errors
    /// [`Trouble`] if it cannot be renamed.
    pub(crate) fn look(&mut self, checks: &mut Checks) -> Result<(), Trouble> {
        match self.file.as_ref().map(|file| file.watched.state()) {
            None | Some(State::Same) => Ok(()),
            Some(State::Gone) => {
                if let Some((name, rows)) = self.let_go() {
                    let told = format!("{} {DELETED}", name.name());
                    self.numbers.lose(Content::Records(Some(rows)), told);
                }
                Ok(())
            }
            Some(State::Changed) => self.check_open(OVERWRITTEN, checks).map(drop),
        }
    }

    /// Looks if other programs have deleted or overwritten any of the other files. Damaged ones are set aside.
    ///
    /// # Errors
    /// [`Trouble`] if the folder cannot be read, or a file not be renamed.
    pub(crate) fn look_at_older(&mut self, checks: &mut Checks) -> Result<(), Trouble> {
        let open = self.file.as_ref().map(|file| file.name);
        self.older.look(&self.settings.folder, open, checks)
    }

    /// Checks a file that a search found damaged. Returns false if there was no time for it.
    ///
    /// # Errors
    /// [`Trouble`] if it is damaged and cannot be renamed.
    pub(crate) fn check(&mut self, name: RowFile, checks: &mut Checks) -> Result<bool, Trouble> {
        match &self.file {
            Some(file) if file.name == name => self.check_open(DAMAGED, checks),
            _ => self.older.check(name, &self.settings.folder, DAMAGED, checks),
        }
    }

    fn check_open(&mut self, how: &str, checks: &mut Checks) -> Result<bool, Trouble> {
        let Some(file) = &mut self.file else {
            return Ok(true);
        };
        let path = file.path().to_owned();
        match checks.check(&path) {
            // The tool of an operator may write.
            Checked::Sound => file.watched.accept(),
            Checked::Damaged => {
                let rows = self.let_go().map(|(_, rows)| rows);
                self.numbers.set_aside(&path, how, Content::Records(rows))?;
            }
            Checked::Later => return Ok(false),
        }
        Ok(true)
    }

    /// Lets go of the open file, whose rows are lost. Returns its name and their number.
    fn let_go(&mut self) -> Option<(RowFile, u64)> {
        self.numbers.rows.fetch_sub(self.uncommitted(), Relaxed);
        let file = self.file.take()?;
        self.open_ids.clear();
        Some((file.name, file.rows()))
    }

    /// Lets go of all files, since their folder was deleted or replaced.
    pub(crate) fn leave(&mut self) {
        let (mut files, mut rows) = self.older.leave();
        let open = self.file.as_ref().map(|file| file.watched.state());
        if let (Some(State::Gone), Some((_, more))) = (open, self.let_go()) {
            (files, rows) = (files + 1, rows + more);
        }
        if files > 0 {
            self.numbers
                .lose(Content::Records(Some(rows)), losses::deleted(files));
        }
    }

    /// Ends the watch of a file that is removed for its age or its size.
    pub(crate) fn forget(&mut self, name: RowFile) {
        self.older.forget(name);
    }

    /// Returns true if this file is being written.
    pub(crate) fn is_open(&self, name: RowFile) -> bool {
        self.file.as_ref().is_some_and(|file| file.name == name)
    }

    /// Ends a file whose time is over, so that it can be removed.
    ///
    /// # Errors
    /// [`Trouble`]; nothing since the last commit is kept then.
    pub(crate) fn close_if(&mut self, name: RowFile, now: i64) -> Result<(), Trouble> {
        if self.is_open(name) {
            self.close(now)
        } else {
            Ok(())
        }
    }

    /// Ends the file, with all of its ids in the table.
    ///
    /// # Errors
    /// [`Trouble`]; nothing since the last commit is kept then.
    pub(crate) fn close(&mut self, now: i64) -> Result<(), Trouble> {
        let segment = self.open_ids.len() > 0;
        let written = self.write(segment, now);
        if let Some(file) = self.file.take() {
            let (name, rows) = (file.name, file.rows());
            self.older.add(name, file.close(), rows);
        }
        written
    }

    /// Goes on with the newest file, if there is one: its newest ids may be in no segment yet. A file from a time when the clock
    /// was ahead stays as it is, since it would not become too old for long.
    ///
    /// # Errors
    /// [`Trouble`]
    pub(crate) fn resume(&mut self, now: i64) -> Result<(), Trouble> {
        let folder = &self.settings.folder;
        let files = files::list(folder).map_err(|error| Trouble::io(folder, &error))?;
        let newest = files.into_iter().rfind(|file| !file.is_ahead(now));
        newest.map_or(Ok(()), |newest| self.open(newest, now))
    }

    /// Opens the file for records that end now, and closes one that is over or full.
    fn choose_file(&mut self, now: i64) -> Result<(), Trouble> {
        if self.file.as_ref().is_some_and(|file| file.name.is_ahead(now)) {
            self.close(now)?;
        }
        if self.file.is_none() {
            self.resume(now)?;
        }
        let name = match &self.file {
            Some(file) if file.name.is_over(now) || file.next > MOST_ROWS => file.name.next(now),
            Some(_) => return Ok(()),
            None => RowFile::of_day(now),
        };
        self.close(now)?;
        self.open(name, now)
    }

    /// Begins another file if this one has its share of the bytes.
    ///
    /// # Errors
    /// [`Trouble`]
    pub(crate) fn check_size(&mut self, now: i64) -> Result<(), Trouble> {
        let limit = self.settings.file_bytes();
        let full = self.file.as_ref().filter(|file| files::size(file.path()) > limit);
        let Some(next) = full.map(|file| file.name.next(now)) else {
            return Ok(());
        };
        self.close(now)?;
        self.open(next, now)
    }

    fn open(&mut self, name: RowFile, now: i64) -> Result<(), Trouble> {
        match self.try_open(name, now) {
            Err(trouble) if trouble.is_damage() => {
                let path = name.path(&self.settings.folder);
                self.numbers.set_aside(&path, DAMAGED, Content::Records(None))?;
                self.try_open(name, now)
            }
            // It stays as it is, for the newer version.
            Err(trouble) if trouble.is_newer() => self.try_open(name.next(now), now),
            opened => opened,
        }
    }

    fn try_open(&mut self, name: RowFile, now: i64) -> Result<(), Trouble> {
        let (file, waiting) = OpenFile::open(name, &self.settings.folder, &self.keys, now)?;
        self.open_ids.begin(name, waiting);
        self.older.forget(name);
        self.file = Some(file);
        Ok(())
    }

    /// Rolls back, and sets a damaged file aside. Rows since the last commit are lost.
    fn failed(&mut self, error: &rusqlite::Error) -> Trouble {
        let Some(file) = self.file.take() else {
            return Trouble::of(&self.settings.folder, error);
        };
        self.open_ids.forget_from(file.committed);
        let trouble = Trouble::of(file.path(), error);
        let committed = u64::try_from(file.committed - 1).ok();
        // Closing the connection rolls back; the next record opens the file again.
        let watched = file.close();
        if trouble.is_damage()
            && let Err(second) = self
                .numbers
                .set_aside(watched.path(), DAMAGED, Content::Records(committed))
        {
            return second;
        }
        trouble
    }

    /// Removes what rows tell of a person: all ids of the rows that have one of these hashes and ended until a moment. Returns the
    /// number of rows.
    ///
    /// # Errors
    /// [`Trouble`] of a file that cannot be read or written; the others are done.
    pub(crate) fn erase(&mut self, hashes: &[IdHash], until: i64, now: i64) -> Result<u64, Trouble> {
        self.commit(now)?;
        let folder = self.settings.folder.clone();
        let files = files::list(&folder).map_err(|error| Trouble::io(&folder, &error))?;
        let (mut erased, mut trouble) = (0, None);
        for name in files {
            let path = name.path(&folder);
            let mut rows = self.open_ids.find(name, hashes).unwrap_or_default();
            let mut lacks_keys = false;
            let mut erase = |db: &mut Connection| -> Result<u64, Trouble> {
                lacks_keys =
                    kept_ids::lack_keys(db, &self.keys).map_err(|error| Trouble::of(&path, &error))?;
                kept_ids::erase(db, &mut rows, (hashes, until), &self.keys)
                    .map_err(|error| Trouble::of(&path, &error))
            };
            let done = match &mut self.file {
                Some(file) if file.name == name => file.watched.write(|| erase(&mut file.db)),
                _ => {
                    let erased = db::open(&path, &schema::ROWS).and_then(|mut db| erase(&mut db));
                    self.older.accept(name);
                    erased
                }
            };
            match done {
                Ok(count) => erased += count,
                Err(error) => trouble = Some(error),
            }
            if lacks_keys {
                trouble = Some(Trouble::other_key(&path));
            }
            if self.is_open(name) {
                self.open_ids.forget(&rows);
            }
        }
        trouble.map_or(Ok(erased), Err)
    }
}
