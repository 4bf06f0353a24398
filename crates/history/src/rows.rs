//! The writer of rows: one open file at a time.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::db::{self, Trouble};
use crate::files::{self, HOUR_MILLIS, RowFile};
use crate::ids::{IdHash, IdKeys, shown};
use crate::limits::Settings;
use crate::open_ids::OpenIds;
use crate::record::Record;
use crate::{blocks, kept_ids, schema, text};

#[cfg(test)]
mod tests;

/// Rows at which the file of a day is full.
const MOST_ROWS: i64 = 2_000_000;
/// Ids that make a segment worth its while when a minute ends.
const SEGMENT: usize = 4_096;
/// Ids that make a segment at once.
const MOST_OPEN: usize = 100_000;
/// Texts whose numbers are remembered; more begin anew.
const MOST_NAMES: usize = 10_000;
const MINUTE_MILLIS: i64 = 60_000;

/// Writes rows.
pub(crate) struct Rows {
    settings: Settings,
    keys: IdKeys,
    open_ids: Arc<OpenIds>,
    file: Option<OpenFile>,
}

struct OpenFile {
    name: RowFile,
    path: PathBuf,
    db: Connection,
    names: HashMap<Box<str>, i64>,
    /// A buffer for one text.
    text: String,
    /// The row that the next record takes.
    next: i64,
    /// The row after the last committed one.
    committed: i64,
    /// The first block of rows that is not in the table of blocks.
    next_block: i64,
    /// True while a transaction is open.
    writing: bool,
    /// The minute in which ids were last looked at, and the time of the last segment.
    minute: i64,
    segment_at: i64,
}

impl Rows {
    pub(crate) fn new(settings: Settings, keys: IdKeys, open_ids: Arc<OpenIds>) -> Rows {
        Rows {
            settings,
            keys,
            open_ids,
            file: None,
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
        let hashes = record.ids.of_event().map(|(kind, text)| {
            let id = (!text.is_empty()).then_some(text)?;
            Some((id, self.keys.hash(kind, id)))
        });
        let written = file.begin().and_then(|()| file.insert(row, record, hashes));
        if let Err(error) = written {
            return Err(self.failed(&error));
        }
        file.next += 1;
        let hashes = hashes.into_iter().flatten().map(|(_, hash)| hash);
        self.open_ids.add(hashes.chain(record.ids.people.hashes()), row);
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
        let written = file.begin().and_then(|()| {
            if segment {
                file.write_segment(&self.open_ids.sorted())?;
            }
            file.next_block = blocks::add(&file.db, file.next_block, file.next)?;
            file.db.execute_batch("COMMIT")
        });
        if let Err(error) = written {
            return Err(self.failed(&error));
        }
        file.writing = false;
        file.committed = file.next;
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

    /// Lets go of the file, which is deleted.
    pub(crate) fn leave(&mut self) {
        self.file = None;
    }

    /// Ends a file whose time is over, so that it can be removed.
    ///
    /// # Errors
    /// [`Trouble`]; nothing since the last commit is kept then.
    pub(crate) fn close_if(&mut self, name: RowFile, now: i64) -> Result<(), Trouble> {
        match &self.file {
            Some(file) if file.name == name => self.close(now),
            _ => Ok(()),
        }
    }

    /// Ends the file, with all of its ids in the table.
    ///
    /// # Errors
    /// [`Trouble`]; nothing since the last commit is kept then.
    pub(crate) fn close(&mut self, now: i64) -> Result<(), Trouble> {
        let segment = self.open_ids.len() > 0;
        let written = self.write(segment, now);
        self.file = None;
        written
    }

    /// Goes on with the newest file, if there is one: its newest ids may be in no segment yet.
    ///
    /// # Errors
    /// [`Trouble`]
    pub(crate) fn resume(&mut self, now: i64) -> Result<(), Trouble> {
        let folder = &self.settings.folder;
        let files = files::list(folder).map_err(|error| Trouble::io(folder, &error))?;
        files.last().map_or(Ok(()), |last| self.open(*last, now))
    }

    /// Opens the file for records that end now, and closes one that is over or full.
    fn choose_file(&mut self, now: i64) -> Result<(), Trouble> {
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
        let full = self.file.as_ref().filter(|file| files::size(&file.path) > limit);
        let Some(next) = full.map(|file| file.name.next(now)) else {
            return Ok(());
        };
        self.close(now)?;
        self.open(next, now)
    }

    fn open(&mut self, name: RowFile, now: i64) -> Result<(), Trouble> {
        match self.try_open(name, now) {
            Err(trouble) if trouble.is_damage() => {
                set_aside(&name.path(&self.settings.folder), &trouble)?;
                self.try_open(name, now)
            }
            // It stays as it is, for the newer version.
            Err(trouble) if trouble.is_newer() => self.try_open(name.next(now), now),
            opened => opened,
        }
    }

    fn try_open(&mut self, name: RowFile, now: i64) -> Result<(), Trouble> {
        let path = name.path(&self.settings.folder);
        let db = db::open(&path, &schema::ROWS)?;
        let prepare = || {
            let key = self.keys.name().cast_signed();
            db.execute("INSERT OR IGNORE INTO meta VALUES ('key:' || ?1, 1)", [key])?;
            let last: Option<i64> = db.query_row("SELECT max(id) FROM rows", [], |row| row.get(0))?;
            let waiting = waiting_ids(&db, &self.keys)?;
            Ok((last.unwrap_or(0) + 1, blocks::next(&db)?, waiting))
        };
        let (next, next_block, waiting) = prepare().map_err(|error| Trouble::of(&path, &error))?;
        self.open_ids.begin(name, waiting);
        self.file = Some(OpenFile {
            name,
            path,
            db,
            names: HashMap::new(),
            text: String::new(),
            next,
            committed: next,
            next_block,
            writing: false,
            minute: now.div_euclid(MINUTE_MILLIS),
            segment_at: now,
        });
        Ok(())
    }

    /// Rolls back, and sets a damaged file aside. Rows since the last commit are lost.
    fn failed(&mut self, error: &rusqlite::Error) -> Trouble {
        let Some(file) = self.file.take() else {
            return Trouble::of(&self.settings.folder, error);
        };
        self.open_ids.forget_from(file.committed);
        let trouble = Trouble::of(&file.path, error);
        // Closing the connection rolls back; the next record opens the file again.
        drop(file.db);
        if trouble.is_damage()
            && let Err(second) = set_aside(&file.path, &trouble)
        {
            return second;
        }
        trouble
    }

    /// Removes what rows tell of a person: all ids of the rows that have one of these hashes. Returns the number of rows.
    ///
    /// # Errors
    /// [`Trouble`] of a file that cannot be read or written; the others are done.
    pub(crate) fn erase(&mut self, hashes: &[IdHash], now: i64) -> Result<u64, Trouble> {
        self.commit(now)?;
        let folder = self.settings.folder.clone();
        let files = files::list(&folder).map_err(|error| Trouble::io(&folder, &error))?;
        let (mut erased, mut trouble) = (0, None);
        for name in files {
            let path = name.path(&folder);
            let mut rows = self.open_ids.find(name, hashes).unwrap_or_default();
            let mut erase = |db: &mut Connection| -> Result<u64, Trouble> {
                erase(db, &mut rows, hashes, &self.keys).map_err(|error| Trouble::of(&path, &error))
            };
            let done = match &mut self.file {
                Some(file) if file.name == name => erase(&mut file.db),
                _ => db::open(&path, &schema::ROWS).and_then(|mut db| erase(&mut db)),
            };
            match done {
                Ok(count) => erased += count,
                Err(error) => trouble = Some(error),
            }
            if self.file.as_ref().is_some_and(|file| file.name == name) {
                self.open_ids.forget(&rows);
            }
        }
        trouble.map_or(Ok(erased), Err)
    }
}

/// Sets a damaged file aside, and says so in the log.
///
/// # Errors
/// [`Trouble`] if it cannot be renamed.
pub(crate) fn set_aside(path: &std::path::Path, trouble: &Trouble) -> Result<(), Trouble> {
    let aside = files::set_aside(path).map_err(|error| Trouble::io(path, &error))?;
    tracing::error!(file = %path.display(), set_aside = %aside.display(),
        "a file of the history is damaged and was set aside, a new one begins: {trouble}");
    Ok(())
}

/// Reads the ids of rows that are in no segment: those of the last minutes before the process ended.
pub(crate) fn waiting_ids(db: &Connection, keys: &IdKeys) -> rusqlite::Result<Vec<(IdHash, i64)>> {
    let indexed: Option<i64> = db.query_row("SELECT max(last_row) FROM segments", [], |row| row.get(0))?;
    let mut ids = Vec::new();
    let mut select =
        db.prepare("SELECT id, message_id, event_id, order_id, people FROM rows WHERE id > ?1")?;
    let mut rows = select.query([indexed.unwrap_or(0)])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let hashes = kept_ids::hashes(row, 1, keys)?;
        ids.extend(hashes.into_iter().map(|hash| (hash, id)));
    }
    Ok(ids)
}

/// Erases the ids of these rows and of the rows that the table finds, and lists the latter too.
fn erase(
    db: &mut Connection,
    rows: &mut Vec<i64>,
    hashes: &[IdHash],
    keys: &IdKeys,
) -> rusqlite::Result<u64> {
    let change = db.transaction()?;
    rows.extend(kept_ids::in_table(&change, hashes)?);
    rows.sort_unstable();
    rows.dedup();
    for row in rows.iter() {
        let sql = "SELECT message_id, event_id, order_id, people FROM rows WHERE id = ?1";
        let mut select = change.prepare_cached(sql)?;
        let known = select
            .query_row([row], |found| kept_ids::hashes(found, 0, keys))
            .optional()?;
        for hash in known.into_iter().flatten() {
            let sql =
                "DELETE FROM ids WHERE segment IN (SELECT segment FROM segments) AND hash = ?1 AND row = ?2";
            change.prepare_cached(sql)?.execute(params![hash.stored(), row])?;
        }
        let sql = "UPDATE rows SET message_id = NULL, event_id = NULL, order_id = NULL, people = NULL, request_id = NULL \
                   WHERE id = ?1";
        change.prepare_cached(sql)?.execute([row])?;
    }
    change.commit()?;
    Ok(rows.len() as u64)
}

impl OpenFile {
    fn begin(&mut self) -> rusqlite::Result<()> {
        if !self.writing {
            self.db.execute_batch("BEGIN IMMEDIATE")?;
            self.writing = true;
        }
        Ok(())
    }

    fn insert(
        &mut self,
        row: i64,
        record: &Record<'_>,
        ids: [Option<(&str, IdHash)>; 3],
    ) -> rusqlite::Result<()> {
        let source = self.name(&record.source)?;
        let library = self.maybe_name(record.library.as_deref())?;
        let sink = self.name(&record.sink)?;
        let mapping = self.maybe_name(record.mapping.as_deref())?;
        let event = self.name(&record.event)?;
        let event_name = self.maybe_name(record.event_name.as_deref())?;
        let action_source = self.maybe_name(record.action_source.as_deref())?;
        let reason = self.maybe_name(record.reason.as_deref())?;
        let message = self.maybe_name(record.message.as_deref())?;
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        text::warnings(&record.warnings, &mut text);
        let warnings = self.maybe_name((!text.is_empty()).then_some(&*text))?;
        text.clear();
        text::attempts(&record.attempts, &mut text);
        let match_keys = self.maybe_name(record.match_keys.as_ref().map(|set| set.json()))?;
        let currency = record.value.as_ref().and_then(|value| value.currency.as_deref());
        let currency = self.maybe_name(currency)?;
        let [message_id, event_id, order_id] = ids.map(|id| id.map(|(text, hash)| shown(text, hash)));
        let people = &*record.ids.people.0;
        let sql = "INSERT INTO rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
                   ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)";
        self.db.prepare_cached(sql)?.execute(params![
            row,
            record.ended_at,
            record.received_at,
            record.happened_at,
            source,
            library,
            record.position.map(u64::cast_signed),
            sink,
            mapping,
            event,
            event_name,
            action_source,
            record.outcome as u8,
            reason,
            message,
            (!text.is_empty()).then_some(&*text),
            record.request_id.as_deref(),
            warnings,
            match_keys,
            record.value.as_ref().map(|value| value.millionths),
            currency,
            record.batch.map(|(batch, _)| batch.cast_signed()),
            record.batch.map(|(_, records)| records),
            record.bytes,
            record.late,
            message_id.as_deref(),
            event_id.as_deref(),
            order_id.as_deref(),
            (!people.is_empty()).then_some(people),
            record.digest.map(u64::cast_signed),
        ])?;
        self.text = text;
        Ok(())
    }

    fn maybe_name(&mut self, text: Option<&str>) -> rusqlite::Result<Option<i64>> {
        text.map(|text| self.name(text)).transpose()
    }

    /// Returns the number of a text, which is kept once in each file.
    fn name(&mut self, text: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.names.get(text) {
            return Ok(*id);
        }
        let mut find = self.db.prepare_cached("SELECT id FROM names WHERE name = ?1")?;
        let known = find.query_row([text], |row| row.get(0)).optional()?;
        let id = match known {
            Some(id) => id,
            None => {
                let mut insert = self.db.prepare_cached("INSERT INTO names (name) VALUES (?1)")?;
                insert.insert([text])?
            }
        };
        if self.names.len() >= MOST_NAMES {
            self.names.clear();
        }
        self.names.insert(text.into(), id);
        Ok(id)
    }

    fn write_segment(&self, ids: &[(IdHash, i64)]) -> rusqlite::Result<()> {
        let last = self.next - 1;
        let mut insert = self
            .db
            .prepare_cached("INSERT INTO segments (last_row) VALUES (?1)")?;
        let segment = insert.insert([last])?;
        let sql = "INSERT OR IGNORE INTO ids (segment, hash, row) VALUES (?1, ?2, ?3)";
        let mut insert = self.db.prepare_cached(sql)?;
        for (hash, row) in ids {
            insert.execute(params![segment, hash.stored(), row])?;
        }
        Ok(())
    }
}
