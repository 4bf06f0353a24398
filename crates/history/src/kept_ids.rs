//! Ids as rows keep them.

use rusqlite::{Connection, Row, params};

use crate::ids::{IdHash, IdKeys, IdKind, People};

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
    all.extend(People(people.unwrap_or_default().into()).hashes());
    Ok(all)
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
