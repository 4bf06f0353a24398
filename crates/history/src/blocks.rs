//! Blocks of rows: which names and outcomes occur in each, so that searches with filters read only blocks that can hold an
//! answer. Rows of the newest, unfinished block are read without that.

use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use crate::filter::Conditions;

/// Rows of a block. Block `n` has the rows from `n × ROWS` on.
const ROWS: i64 = 4_096;

/// Returns the first block that is not in the table.
pub(crate) fn next(db: &Connection) -> rusqlite::Result<i64> {
    // Blocks are added in their order.
    let sql = "SELECT block FROM blocks ORDER BY rowid DESC LIMIT 1";
    let last: Option<i64> = db
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(last.map_or(0, |last| last + 1))
}

/// Adds the blocks from `next` on whose rows are all below `next_row` to the table. Returns the first one that is not.
pub(crate) fn add(db: &Connection, mut next: i64, next_row: i64) -> rusqlite::Result<i64> {
    while (next + 1) * ROWS <= next_row {
        let sql = "INSERT INTO blocks SELECT ?1, source, sink, mapping, event, event_name, outcome, reason, late, warnings, \
                   min(ended_at), max(ended_at), count(*) FROM rows WHERE id >= ?2 AND id < ?3 \
                   GROUP BY source, sink, mapping, event, event_name, outcome, reason, late, warnings";
        let rows = params![next, next * ROWS, (next + 1) * ROWS];
        db.prepare_cached(sql)?.execute(rows)?;
        next += 1;
    }
    Ok(next)
}

/// All rows, as the first of them and the one behind the last.
pub(crate) const ALL: (i64, i64) = (0, i64::MAX);

/// Lists the ranges of rows that may meet the conditions, in the form of [`ALL`], the newest first.
pub(crate) fn ranges(db: &Connection, conditions: &Conditions) -> rusqlite::Result<Vec<(i64, i64)>> {
    if conditions.is_empty() {
        return Ok(vec![ALL]);
    }
    // Rows may be added meanwhile: they are all behind the blocks that are known now.
    let next = next(db)?;
    let sql = format!(
        "SELECT DISTINCT block FROM blocks WHERE block < {next} AND {} ORDER BY block DESC",
        conditions.on_blocks()
    );
    let mut select = db.prepare(&sql)?;
    let found = select.query_map(params_from_iter(conditions.values()), |row| row.get::<_, i64>(0))?;
    let mut ranges = vec![(next * ROWS, ALL.1)];
    for block in found {
        let block = block?;
        let (first, end) = (block * ROWS, (block + 1) * ROWS);
        match ranges.last_mut() {
            // One query reads neighbours.
            Some(newer) if newer.0 == end => newer.0 = first,
            _ => ranges.push((first, end)),
        }
    }
    Ok(ranges)
}
