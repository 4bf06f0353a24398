//! Searches: an event's records by an id, the latest records, sums. Readers wait for nothing but the disk.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use crate::blocks;
use crate::db::{self, Trouble};
use crate::entry::Entry;
use crate::files::{self, RowFile, SUMS};
use crate::filter::{Conditions, Filter};
use crate::health::Numbers;
use crate::ids::{IdHash, IdKeys};
use crate::kept_ids;
use crate::losses;
use crate::merge::{Part, merge_pages, merge_sums};
use crate::open_ids::OpenIds;
use crate::page::Page;
use crate::peers::{Answer, Answered, Peers, Question};
use crate::place::{After, Place};
use crate::read_sums::read_sums;
use crate::report::{Report, Reported};
use crate::untold;

/// Most records in an answer.
pub const MOST: usize = 1_000;

/// Reads a history's files, and the newest ids from the memory of the router that writes them.
#[derive(Clone)]
pub struct Reader {
    folder: PathBuf,
    keys: IdKeys,
    /// `None` if no router runs; the newest ids are then read from the rows.
    open_ids: Option<Arc<OpenIds>>,
    /// The router's numbers, for its losses and for files that a search finds damaged.
    numbers: Option<Arc<Numbers>>,
    /// No rows are added: the history keeps sums alone.
    sums_only: bool,
    /// The other routers that share the journal; `None` if it reads the files of this one alone.
    peers: Option<Arc<dyn Peers>>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) fn live(
        folder: PathBuf,
        keys: IdKeys,
        open_ids: Arc<OpenIds>,
        numbers: Arc<Numbers>,
    ) -> Reader {
        Reader {
            folder,
            keys,
            open_ids: Some(open_ids),
            numbers: Some(numbers),
            sums_only: false,
            peers: None,
        }
    }

    /// Reads the files of a router that does not run.
    #[must_use]
    pub fn of_files(folder: PathBuf, keys: IdKeys) -> Reader {
        Reader {
            folder,
            keys,
            open_ids: None,
            numbers: None,
            sums_only: false,
            peers: None,
        }
    }

    /// Makes it the reader of a history to which no rows are added.
    #[must_use]
    pub fn sums_only(self) -> Reader {
        Reader {
            sums_only: true,
            ..self
        }
    }

    /// Makes it answer for the other routers, too.
    #[must_use]
    pub(crate) fn with(self, peers: Option<Arc<dyn Peers>>) -> Reader {
        Reader { peers, ..self }
    }

    /// Returns false if the history keeps sums alone, and has no rows of before.
    ///
    /// # Errors
    /// [`Trouble`] if the folder cannot be read.
    pub fn has_rows(&self) -> Result<bool, Trouble> {
        Ok(!self.sums_only || !self.files()?.is_empty())
    }

    /// Lists the files of rows, the oldest first; none without a folder, which cannot be made where a file has its name.
    fn files(&self) -> Result<Vec<RowFile>, Trouble> {
        match files::list(&self.folder) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(Vec::new())
            }
            files => files.map_err(|error| Trouble::io(&self.folder, &error)),
        }
    }

    /// Returns the keys of the hashes of ids.
    #[must_use]
    pub fn keys(&self) -> &IdKeys {
        &self.keys
    }

    /// Finds the records that have one of these ids and meet the filter, the newest first; at most [`MOST`].
    ///
    /// # Errors
    /// [`Trouble`] if the folder cannot be read. Files and routers that cannot be read are named in the answer.
    pub fn find(&self, ids: &[IdHash], filter: &Filter) -> Result<Page, Trouble> {
        let own = self.search(filter, None, MOST, Some(ids))?;
        let Some(peers) = &self.peers else { return Ok(own) };
        let question = Question::find(ids, &self.keys, filter);
        let mut page = merge_pages(pages(&**peers, own, |_| question.clone()), None, MOST);
        page.next = None;
        Ok(page)
    }

    /// Lists the records that meet the filter, the newest first, from a place on (exclusively).
    ///
    /// # Errors
    /// [`Trouble`] if the folder cannot be read. Files and routers that cannot be read are named in the answer.
    pub fn latest(&self, filter: &Filter, after: Option<&After>, limit: usize) -> Result<Page, Trouble> {
        let limit = limit.clamp(1, MOST);
        let Some(peers) = &self.peers else {
            let after = after.and_then(|after| after.0.first());
            return self.search(filter, after, limit, None);
        };
        let own = after.and_then(|after| after.of(Some(&peers.own())));
        let own = self.search(filter, own.as_ref(), limit, None)?;
        let question = |router: &str| Question::Latest {
            filter: filter.clone(),
            after: after.and_then(|after| after.of(Some(router))),
            limit,
        };
        Ok(merge_pages(pages(&**peers, own, question), after, limit))
    }

    /// Returns the record at a place; `None` if it is no longer kept.
    ///
    /// # Errors
    /// [`Trouble`] if its file cannot be read, or its router does not answer.
    pub fn at(&self, place: &Place) -> Result<Option<Entry>, Trouble> {
        if let (Some(peers), Some(router)) = (&self.peers, place.router())
            && router != &*peers.own()
        {
            return at_peer(&**peers, place, router);
        }
        let found = self.read(&place.file.path(&self.folder), |db, schema| {
            let sql = format!("SELECT {} FROM records WHERE id = ?1", Entry::columns(schema));
            let read = |row: &Row<'_>| Entry::read(row, place.file);
            db.query_row(&sql, [place.row], read).optional()
        });
        let found = missing_is(found, None)?;
        Ok(found.map(|mut entry| {
            entry.place.router = place.router.clone();
            entry
        }))
    }

    /// Adds sums up.
    ///
    /// # Errors
    /// [`Trouble`] if their file cannot be read. Routers that cannot be asked are named in the answer.
    pub fn report(&self, report: &Report) -> Result<Reported, Trouble> {
        let sums = self.read(&self.folder.join(SUMS), |db, schema| {
            read_sums(db, schema, report)
        });
        let mut all = Reported {
            sums: missing_is(sums, Vec::new())?,
            unread: Vec::new(),
        };
        let Some(peers) = &self.peers else { return Ok(all) };
        let mut parts = vec![all.sums];
        for Answered { router, answer } in peers.ask(&|_| Some(Question::Report(report.clone()))) {
            match answer {
                Ok(Answer::Report(reported)) => {
                    parts.push(reported.sums);
                    all.unread.extend(reported.unread);
                }
                other => all.unread.push(Answered::missing(&router, &reason(other))),
            }
        }
        all.sums = merge_sums(parts);
        Ok(all)
    }

    /// Reads a file. Tells the router of one that is damaged.
    fn read<T>(
        &self,
        path: &Path,
        read: impl FnOnce(&Connection, i32) -> rusqlite::Result<T>,
    ) -> Result<T, Trouble> {
        let found = db::read(path)
            .and_then(|(db, schema)| read(&db, schema).map_err(|error| Trouble::of(path, &error)));
        if let (Err(trouble), Some(numbers)) = (&found, &self.numbers)
            && trouble.is_damage()
        {
            numbers.suspect(losses::name(path));
        }
        found
    }

    fn search(
        &self,
        filter: &Filter,
        after: Option<&Place>,
        limit: usize,
        ids: Option<&[IdHash]>,
    ) -> Result<Page, Trouble> {
        let files = self.files()?;
        let mut page = Page {
            unread: self.lost(filter),
            ..Page::default()
        };
        let wanted = |file: &&RowFile| {
            after.is_none_or(|after| **file <= after.file)
                && filter.since.is_none_or(|since| file.end() >= since)
        };
        for file in files.iter().rev().filter(wanted) {
            let missing = limit - page.entries.len();
            let before = after.filter(|after| after.file == *file).map(|after| after.row);
            // One more shows that there is a next page.
            match self.search_file(*file, filter, before, missing + 1, ids) {
                Ok((found, untold)) => {
                    page.entries.extend(found);
                    page.unread.extend(untold);
                }
                // It was removed meanwhile.
                Err(trouble) if trouble.is_missing() => {}
                Err(trouble) => page.unread.push(trouble.to_string()),
            }
            if page.entries.len() > limit {
                page.entries.truncate(limit);
                page.next = page.entries.last().map(|entry| entry.place.clone().into());
                break;
            }
        }
        Ok(page)
    }

    /// Lists the losses of files that may have held an answer.
    fn lost(&self, filter: &Filter) -> Vec<String> {
        let losses = self.numbers.as_ref().map(|numbers| numbers.losses());
        let losses = losses.into_iter().flatten();
        let concerned = losses.filter(|loss| !loss.sums && filter.since.is_none_or(|since| loss.at >= since));
        concerned.map(|loss| loss.dated()).collect()
    }

    /// Searches a file, and names what it does not tell.
    fn search_file(
        &self,
        file: RowFile,
        filter: &Filter,
        before: Option<i64>,
        limit: usize,
        ids: Option<&[IdHash]>,
    ) -> Result<(Vec<Entry>, Vec<String>), Trouble> {
        let path = file.path(&self.folder);
        // Ids leave the memory after they are in the table, so that one of the two has them at any time.
        let open = match (&self.open_ids, ids) {
            (Some(open_ids), Some(ids)) => open_ids.find(file, ids),
            _ => None,
        };
        self.read(&path, |db, schema| {
            let entries = self.select(db, (file, schema), filter, before, limit, (ids, open))?;
            let mut untold: Vec<String> = untold::of(db, (file, schema), filter)?.into_iter().collect();
            if ids.is_some() && kept_ids::lack_keys(db, &self.keys)? {
                untold.push(Trouble::other_key(&path).to_string());
            }
            Ok((entries, untold))
        })
    }

    fn select(
        &self,
        db: &Connection,
        (file, schema): (RowFile, i32),
        filter: &Filter,
        before: Option<i64>,
        limit: usize,
        (ids, open): (Option<&[IdHash]>, Option<Vec<i64>>),
    ) -> rusqlite::Result<Vec<Entry>> {
        let Some(conditions) = Conditions::of(db, schema, filter)? else {
            return Ok(Vec::new());
        };
        let mut on_rows = conditions.on_rows();
        let ranges = match ids {
            None => blocks::ranges(db, &conditions)?,
            Some(ids) => {
                let rows = self.rows_of(db, ids, open)?;
                if rows.is_empty() {
                    return Ok(Vec::new());
                }
                let list: Vec<String> = rows.iter().rev().take(MOST).map(ToString::to_string).collect();
                on_rows = format!("{on_rows} AND id IN ({})", list.join(","));
                vec![blocks::ALL]
            }
        };
        let sql = format!(
            "SELECT {} FROM records WHERE id IN (SELECT id FROM rows WHERE {on_rows} AND id >= ? AND id < ? ORDER BY id DESC LIMIT ?) \
             ORDER BY id DESC",
            Entry::columns(schema),
        );
        let mut select = db.prepare(&sql)?;
        let mut entries = Vec::new();
        for (first, end) in ranges {
            let end = before.map_or(end, |before| before.min(end));
            let missing = i64::try_from(limit.saturating_sub(entries.len())).unwrap_or(i64::MAX);
            if missing == 0 {
                break;
            }
            let bounds = [first, end, missing].map(Value::Integer);
            let values = conditions.values().iter().chain(&bounds);
            let read = |row: &Row<'_>| Entry::read(row, file);
            for entry in select.query_map(params_from_iter(values), read)? {
                entries.push(entry?);
            }
        }
        Ok(entries)
    }

    /// Lists the rows with one of these ids in their order. `open` has the rows from the memory of the router.
    fn rows_of(&self, db: &Connection, ids: &[IdHash], open: Option<Vec<i64>>) -> rusqlite::Result<Vec<i64>> {
        let mut rows = kept_ids::in_table(db, ids)?;
        match open {
            Some(open) => rows.extend(open),
            None => {
                let waiting = kept_ids::waiting(db, &self.keys)?;
                let found = waiting.into_iter().filter(|(id, _)| ids.contains(id));
                rows.extend(found.map(|(_, row)| row));
            }
        }
        rows.sort_unstable();
        rows.dedup();
        Ok(rows)
    }
}

/// Returns the pages of this router and of the others, of several with their names at the files. A router without an answer has
/// a page without records that says so.
fn pages(peers: &dyn Peers, own: Page, question: impl Fn(&str) -> Question) -> Vec<Part> {
    let answered = peers.ask(&|router| Some(question(router)));
    let router = peers.own();
    let page = match answered.is_empty() {
        true => own,
        false => own.of_router(&router),
    };
    let mut parts = vec![Part { router, page }];
    for Answered { router, answer } in answered {
        let page = match answer {
            Ok(Answer::Page(page)) => page.of_router(&router),
            other => Page {
                unread: vec![Answered::missing(&router, &reason(other))],
                ..Page::default()
            },
        };
        parts.push(Part {
            router: router.into(),
            page,
        });
    }
    parts
}

/// Asks the router that keeps a record.
fn at_peer(peers: &dyn Peers, place: &Place, router: &str) -> Result<Option<Entry>, Trouble> {
    let own = Place {
        router: None,
        ..place.clone()
    };
    let answered = peers
        .ask(&|name| (name == router).then(|| Question::At(own.clone())))
        .pop();
    match answered.map(|answered| answered.answer) {
        Some(Ok(Answer::Entry(entry))) => Ok(entry.map(|mut entry| {
            entry.place.router = place.router.clone();
            *entry
        })),
        Some(other) => Err(Trouble::elsewhere(router, reason(other))),
        None => Err(Trouble::elsewhere(router, "it does not run".to_owned())),
    }
}

/// Returns the reason why an answer is of no use.
fn reason(answer: Result<Answer, String>) -> String {
    answer.map_or_else(
        |why| why,
        |_| "it runs another version, which answers otherwise".to_owned(),
    )
}

/// Returns a value in place of a file that is missing.
fn missing_is<T>(found: Result<T, Trouble>, value: T) -> Result<T, Trouble> {
    match found {
        Err(trouble) if trouble.is_missing() => Ok(value),
        found => found,
    }
}
