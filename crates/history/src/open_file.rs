//! The file of rows that is being written.

use std::path::Path;

use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::db::{self, Trouble};
use crate::files::RowFile;
use crate::hashed::Hashed;
use crate::ids::{IdHash, IdKeys, shown};
use crate::record::Record;
use crate::watched::Watched;
use crate::{blocks, kept_ids, schema, text};

/// Texts whose numbers are remembered; more begin anew.
const MOST_NAMES: usize = 10_000;
pub(crate) const MINUTE_MILLIS: i64 = 60_000;

/// The file of rows that is being written.
pub(crate) struct OpenFile {
    pub(crate) name: RowFile,
    pub(crate) watched: Watched,
    pub(crate) db: Connection,
    names: HashMap<Box<str>, i64>,
    /// A buffer for one text.
    text: String,
    /// The row that the next record takes.
    pub(crate) next: i64,
    /// The row after the last committed one.
    pub(crate) committed: i64,
    /// The first block of rows that is not in the table of blocks.
    pub(crate) next_block: i64,
    /// True while a transaction is open.
    pub(crate) writing: bool,
    /// The minute in which ids were last looked at, and the time of the last segment.
    pub(crate) minute: i64,
    pub(crate) segment_at: i64,
}

/// Returns the number of the last row, which is that of all rows of the file.
pub(crate) fn last_row(db: &Connection) -> rusqlite::Result<i64> {
    let last: Option<i64> = db.query_row("SELECT max(id) FROM rows", [], |row| row.get(0))?;
    Ok(last.unwrap_or(0))
}

impl OpenFile {
    /// Opens a file, and returns the ids of its rows that are in no segment too.
    ///
    /// # Errors
    /// [`Trouble`]
    pub(crate) fn open(
        name: RowFile,
        folder: &Path,
        keys: &IdKeys,
        now: i64,
    ) -> Result<(OpenFile, Vec<(IdHash, i64)>), Trouble> {
        let path = name.path(folder);
        let db = db::open(&path, &schema::ROWS)?;
        let prepare = || {
            let key = keys.name().cast_signed();
            db.execute("INSERT OR IGNORE INTO meta VALUES ('key:' || ?1, 1)", [key])?;
            let next = last_row(&db)? + 1;
            let waiting = kept_ids::waiting(&db, keys)?;
            Ok((next, blocks::next(&db)?, waiting))
        };
        let (next, next_block, waiting) = prepare().map_err(|error| Trouble::of(&path, &error))?;
        let file = OpenFile {
            name,
            watched: Watched::new(path),
            db,
            names: HashMap::new(),
            text: String::new(),
            next,
            committed: next,
            next_block,
            writing: false,
            minute: now.div_euclid(MINUTE_MILLIS),
            segment_at: now,
        };
        Ok((file, waiting))
    }

    /// Returns the number of rows, those included that are not committed.
    pub(crate) fn rows(&self) -> u64 {
        u64::try_from(self.next - 1).unwrap_or(0)
    }

    /// Closes the file, and goes on watching it.
    pub(crate) fn close(self) -> Watched {
        let OpenFile { mut watched, db, .. } = self;
        // SQLite writes its log back when the last connection is closed.
        watched.write(|| drop(db));
        watched
    }

    pub(crate) fn path(&self) -> &Path {
        self.watched.path()
    }

    /// Commits the open transaction; `ids` become a segment.
    pub(crate) fn commit(&mut self, ids: Option<&[(IdHash, i64)]>) -> rusqlite::Result<()> {
        self.begin()?;
        if let Some(ids) = ids {
            self.write_segment(ids)?;
        }
        self.next_block = blocks::add(&self.db, self.next_block, self.next)?;
        let db = &self.db;
        self.watched.write(|| db.execute_batch("COMMIT"))?;
        self.writing = false;
        self.committed = self.next;
        Ok(())
    }

    pub(crate) fn begin(&mut self) -> rusqlite::Result<()> {
        if !self.writing {
            self.db.execute_batch("BEGIN IMMEDIATE")?;
            self.writing = true;
        }
        Ok(())
    }

    pub(crate) fn insert(
        &mut self,
        row: i64,
        record: &Record<'_>,
        hashed: &Hashed<'_>,
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
        let match_keys = self.maybe_name(record.match_keys.as_deref().map(|set| set.json()))?;
        let currency = record.value.as_ref().and_then(|value| value.currency.as_deref());
        let currency = self.maybe_name(currency)?;
        let [message_id, event_id, order_id] = hashed.ids.map(|id| id.map(|(text, hash)| shown(text, hash)));
        let sql = "INSERT INTO rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
                   ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31)";
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
            hashed.people.row(),
            hashed.digest.map(u64::cast_signed),
            // Destinations that have names for conversions have parameters too.
            record.event_name.as_ref().map(|_| record.parameters.bits()),
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
