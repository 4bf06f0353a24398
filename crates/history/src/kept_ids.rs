//! Ids as rows keep them: read, found and erased.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::hashed::Hashes;
use crate::ids::{IdHash, IdKeys, IdKind};

/// Computes all hashes of a row again, of four columns from `first` on: `message_id`, `event_id`, `order_id`, `people`.
pub(crate) fn hashes(row: &Row<'_>, first: usize, keys: &IdKeys) -> rusqlite::Result<Vec<IdHash>> {
    let mut all = Vec::new();
    for (column, kind) in [IdKind::MessageId, IdKind::EventId, IdKind::OrderId]
        .into_iter()
        .enumerate()
    {
        let text: Option<String> = row.get(first + column)?;
        if let Some(text) = text {
            match IdHash::parse(&text) {
                Some(hash) => all.push(hash),
                // The row may have been written under an earlier key.
                None => all.extend(keys.hashes(kind, &text)),
            }
        }
    }
    let people: Option<Vec<u8>> = row.get(first + 3)?;
    all.extend(Hashes::of_row(&people.unwrap_or_default()));
    Ok(all)
}

/// Returns true if ids of a file were hashed under keys that are not among these, so that they cannot be found.
pub(crate) fn lack_keys(db: &Connection, keys: &IdKeys) -> rusqlite::Result<bool> {
    let mut select =
        db.prepare_cached("SELECT CAST(substr(key, 5) AS INTEGER) FROM meta WHERE key LIKE 'key:%'")?;
    for name in select.query_map([], |row| row.get(0))? {
        let name: i64 = name?;
        if !keys.knows(name.cast_unsigned()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Finds rows by the table of ids.
pub(crate) fn in_table(db: &Connection, hashes: &[IdHash]) -> rusqlite::Result<Vec<i64>> {
    let segments: Vec<i64> = db
        .prepare_cached("SELECT segment FROM segments")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut find = db.prepare_cached("SELECT row FROM ids WHERE segment = ?1 AND hash = ?2")?;
    let mut rows = Vec::new();
    for hash in hashes {
        for segment in &segments {
            for row in find.query_map(params![segment, hash.stored()], |row| row.get(0))? {
                rows.push(row?);
            }
        }
    }
    Ok(rows)
}

/// Reads the ids of rows that are in no segment: those of the last minutes before the process ended.
pub(crate) fn waiting(db: &Connection, keys: &IdKeys) -> rusqlite::Result<Vec<(IdHash, i64)>> {
    let indexed: Option<i64> = db.query_row("SELECT max(last_row) FROM segments", [], |row| row.get(0))?;
    let mut ids = Vec::new();
    let mut select =
        db.prepare("SELECT id, message_id, event_id, order_id, people FROM rows WHERE id > ?1")?;
    let mut rows = select.query([indexed.unwrap_or(0)])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        ids.extend(hashes(row, 1, keys)?.into_iter().map(|hash| (hash, id)));
    }
    Ok(ids)
}

/// Erases the ids of these rows and of the rows that the table finds, of those that ended until a moment (Unix milliseconds).
/// Leaves in the list the rows that it erased.
pub(crate) fn erase(
    db: &mut Connection,
    rows: &mut Vec<i64>,
    (wanted, until): (&[IdHash], i64),
    keys: &IdKeys,
) -> rusqlite::Result<u64> {
    let change = db.transaction()?;
    rows.extend(in_table(&change, wanted)?);
    rows.sort_unstable();
    rows.dedup();
    if until < i64::MAX {
        let mut ended = change.prepare("SELECT ended_at <= ?2 FROM rows WHERE id = ?1")?;
        let mut covered = Vec::with_capacity(rows.len());
        for row in rows.iter() {
            if ended.query_row([*row, until], |row| row.get(0)).optional()? == Some(true) {
                covered.push(*row);
            }
        }
        *rows = covered;
    }
    for row in rows.iter() {
        let sql = "SELECT message_id, event_id, order_id, people FROM rows WHERE id = ?1";
        let mut select = change.prepare_cached(sql)?;
        let known = select
            .query_row([row], |found| hashes(found, 0, keys))
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
