//! Rows of older files, which do not tell everything that a filter asks for.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use crate::files::RowFile;
use crate::filter::Filter;
use crate::open_file::last_row;
use crate::schema;

/// Names the rows of a file that may meet a filter and do not tell of parameters, since they are older than schema 4.
pub(crate) fn of(
    db: &Connection,
    (file, version): (RowFile, i32),
    filter: &Filter,
) -> rusqlite::Result<Option<String>> {
    if !filter.asks_for_parameters() {
        return Ok(None);
    }
    let last = if version < schema::PARAMETERS {
        last_row(db)?
    } else {
        let sql = "SELECT value - 1 FROM meta WHERE key = 'parameters_from'";
        let last = db.query_row(sql, [], |row| row.get(0)).optional()?;
        last.unwrap_or(0)
    };
    let ended_at = |row: i64| -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT ended_at FROM rows WHERE id = ?1";
        db.query_row(sql, [row], |row| row.get(0)).optional()
    };
    let (first, last) = (ended_at(1)?, ended_at(last)?);
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(None);
    };
    if filter.before.is_some_and(|before| first >= before) || filter.since.is_some_and(|since| last < since) {
        return Ok(None);
    }
    let until = Timestamp::from_millisecond(last).unwrap_or_default();
    Ok(Some(format!(
        "{}: records that ended until {until} do not tell which parameters they carried, since an older version of Signalbox \
         wrote them",
        file.name()
    )))
}
