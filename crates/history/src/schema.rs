//! The tables of the files. docs/history.md describes them for operators; a test holds it to that.

/// The tables of a kind of file, and the changes that bring a file of an older schema up to date.
pub(crate) struct Schema {
    pub(crate) tables: &'static str,
    /// The view over the tables, if there is one; it is made anew after changes.
    pub(crate) view: Option<View>,
    /// Statements that bring a file to the next schema, from the second schema on.
    pub(crate) changes: [&'static str; 3],
}

pub(crate) struct View {
    pub(crate) name: &'static str,
    pub(crate) definition: &'static str,
}

/// The tables of sums over a span of time, and of their details.
macro_rules! sums_of {
    ($span:literal, $sums:literal, $details:literal) => {
        concat!(
            "
CREATE TABLE ",
            $sums,
            " (
  id INTEGER PRIMARY KEY,
  ",
            $span,
            " INTEGER NOT NULL,
  sink TEXT NOT NULL,
  mapping TEXT NOT NULL,
  event_name TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  currency TEXT NOT NULL,
  count INTEGER NOT NULL,
  value INTEGER NOT NULL,
  valued INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  late INTEGER NOT NULL,
  UNIQUE (",
            $span,
            ", sink, mapping, event_name, outcome, reason, currency)
);
CREATE TABLE ",
            $details,
            " (
  sum INTEGER NOT NULL REFERENCES ",
            $sums,
            " (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (sum, kind, name)
) WITHOUT ROWID;
"
        )
    };
}

/// A file of rows.
pub(crate) const ROWS: Schema = Schema {
    tables: ROW_TABLES,
    view: Some(View {
        name: "records",
        definition: RECORDS,
    }),
    changes: [
        "ALTER TABLE rows ADD COLUMN digest INTEGER;",
        "",
        // The rows before do not tell.
        "ALTER TABLE rows ADD COLUMN parameters INTEGER;
         INSERT INTO meta SELECT 'parameters_from', coalesce(max(id), 0) + 1 FROM rows;",
    ],
};

/// The first schema whose rows have parameters.
pub(crate) const PARAMETERS: i32 = 4;

/// The file of the sums.
pub(crate) const SUMS: Schema = Schema {
    tables: concat!(sums_of!("hour", "sums", "sum_details"), sums_of!("day", "day_sums", "day_details")),
    view: None,
    changes: [
        "",
        concat!(
            sums_of!("day", "day_sums", "day_details"),
            "INSERT INTO day_sums (day, sink, mapping, event_name, outcome, reason, currency, count, value, valued, attempts, \
               bytes, late)
             SELECT hour / 24, sink, mapping, event_name, outcome, reason, currency, sum(count),
               CAST(sum(value / 1000000) * 1000000 + sum(value % 1000000) AS INTEGER), sum(valued), sum(attempts), sum(bytes), sum(late)
             FROM sums GROUP BY 1, 2, 3, 4, 5, 6, 7;
             INSERT INTO day_details
             SELECT days.id, kind, name, sum(details.count)
             FROM sums JOIN sum_details AS details ON details.sum = sums.id
             JOIN day_sums AS days ON days.day = sums.hour / 24 AND days.sink = sums.sink AND days.mapping = sums.mapping
               AND days.event_name = sums.event_name AND days.outcome = sums.outcome AND days.reason = sums.reason
               AND days.currency = sums.currency
             GROUP BY days.id, kind, name;"
        ),
        "",
    ],
};

const ROW_TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE rows (
  id INTEGER PRIMARY KEY,
  ended_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  happened_at INTEGER NOT NULL,
  source INTEGER NOT NULL,
  library INTEGER,
  position INTEGER,
  sink INTEGER NOT NULL,
  mapping INTEGER,
  event INTEGER NOT NULL,
  event_name INTEGER,
  action_source INTEGER,
  outcome INTEGER NOT NULL,
  reason INTEGER,
  message INTEGER,
  attempts TEXT,
  request_id TEXT,
  warnings INTEGER,
  match_keys INTEGER,
  value INTEGER,
  currency INTEGER,
  batch INTEGER,
  batch_records INTEGER,
  bytes INTEGER NOT NULL,
  late INTEGER NOT NULL,
  message_id TEXT,
  event_id TEXT,
  order_id TEXT,
  people BLOB,
  digest INTEGER,
  parameters INTEGER
);
CREATE TABLE ids (
  segment INTEGER NOT NULL,
  hash INTEGER NOT NULL,
  row INTEGER NOT NULL,
  PRIMARY KEY (segment, hash, row)
) WITHOUT ROWID;
CREATE TABLE segments (segment INTEGER PRIMARY KEY, last_row INTEGER NOT NULL);
CREATE TABLE blocks (
  block INTEGER NOT NULL,
  source INTEGER NOT NULL,
  sink INTEGER NOT NULL,
  mapping INTEGER,
  event INTEGER NOT NULL,
  event_name INTEGER,
  outcome INTEGER NOT NULL,
  reason INTEGER,
  late INTEGER NOT NULL,
  warnings INTEGER,
  first_ended_at INTEGER NOT NULL,
  last_ended_at INTEGER NOT NULL,
  count INTEGER NOT NULL
);
";

const RECORDS: &str = "
CREATE VIEW records AS SELECT
  rows.id,
  rows.ended_at,
  rows.received_at,
  rows.happened_at,
  (SELECT name FROM names WHERE names.id = rows.source) AS source,
  (SELECT name FROM names WHERE names.id = rows.library) AS library,
  rows.position,
  (SELECT name FROM names WHERE names.id = rows.sink) AS sink,
  (SELECT name FROM names WHERE names.id = rows.mapping) AS mapping,
  (SELECT name FROM names WHERE names.id = rows.event) AS event,
  (SELECT name FROM names WHERE names.id = rows.event_name) AS event_name,
  (SELECT name FROM names WHERE names.id = rows.action_source) AS action_source,
  CASE rows.outcome WHEN 0 THEN 'delivered' WHEN 1 THEN 'duplicate' WHEN 2 THEN 'filtered' WHEN 3 THEN 'rejected'
    WHEN 4 THEN 'expired' END AS outcome,
  (SELECT name FROM names WHERE names.id = rows.reason) AS reason,
  (SELECT name FROM names WHERE names.id = rows.message) AS message,
  rows.attempts,
  rows.request_id,
  (SELECT name FROM names WHERE names.id = rows.warnings) AS warnings,
  (SELECT name FROM names WHERE names.id = rows.match_keys) AS match_keys,
  rows.value,
  (SELECT name FROM names WHERE names.id = rows.currency) AS currency,
  rows.batch,
  rows.batch_records,
  rows.bytes,
  rows.late,
  rows.message_id,
  rows.event_id,
  rows.order_id,
  rows.people,
  rows.digest,
  CASE WHEN rows.parameters IS NOT NULL THEN '[' || substr(
    CASE WHEN rows.parameters & 1 THEN ',\"value\"' ELSE '' END ||
    CASE WHEN rows.parameters & 2 THEN ',\"currency\"' ELSE '' END ||
    CASE WHEN rows.parameters & 4 THEN ',\"order_id\"' ELSE '' END ||
    CASE WHEN rows.parameters & 8 THEN ',\"contents\"' ELSE '' END ||
    CASE WHEN rows.parameters & 16 THEN ',\"event_id\"' ELSE '' END ||
    CASE WHEN rows.parameters & 32 THEN ',\"source_url\"' ELSE '' END,
    2) || ']' END AS parameters
FROM rows;
";

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::db::VERSION;

    #[test]
    fn the_documentation_names_every_table_and_column() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/history.md");
        let docs = std::fs::read_to_string(path).unwrap();
        assert!(docs.contains(&format!("is the version of the schema: {VERSION}.")));
        for schema in [ROWS, SUMS] {
            let db = Connection::open_in_memory().unwrap();
            db.execute_batch(schema.tables).unwrap();
            if let Some(view) = schema.view {
                db.execute_batch(view.definition).unwrap();
            }
            let sql = "SELECT tables.name, columns.name FROM sqlite_schema AS tables \
                       JOIN pragma_table_info(tables.name) AS columns WHERE tables.type IN ('table', 'view')";
            let mut select = db.prepare(sql).unwrap();
            let columns = select
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            let columns: Vec<(String, String)> = columns.map(Result::unwrap).collect();
            assert!(columns.len() > 10);
            for (table, column) in columns {
                // The numbers in `rows` have the names of their texts in `records`.
                let named = |name: &str| {
                    docs.lines()
                        .any(|line| line.starts_with(&format!("| `{name}` |")))
                };
                assert!(named(&table), "{table}");
                let shown = if table == "rows" { "records" } else { &*table };
                let row = docs
                    .lines()
                    .find(|line| line.starts_with(&format!("| `{shown}` |")))
                    .unwrap();
                assert!(row.contains(&format!("`{column}`")), "{table}.{column}");
            }
        }
    }
}
