//! Reading of reports from the tables of sums. Days that a report covers as a whole are read from the sums by the day, of
//! which there are few, and the rest from those by the hour.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::files::HOUR_MILLIS;
use crate::report::{By, Report, Sum};
use crate::sum_tables::{DAYS, HOURS, SumTables};

/// Millionths of a unit of a currency.
const UNIT: i64 = 1_000_000;
/// The schema from which on there are sums by the day.
const WITH_DAYS: i32 = 3;

/// The sums of groups, by group and currency.
type Sums = BTreeMap<(Vec<String>, String), Sum>;

/// Reads sums, ordered by group, from a file of this schema.
pub(crate) fn read_sums(db: &Connection, schema: i32, report: &Report) -> rusqlite::Result<Vec<Sum>> {
    // One state of the file, while its writer goes on.
    let state = db.unchecked_transaction()?;
    let mut sums = Sums::new();
    for part in parts(&state, schema, report)? {
        part.add_sums(&state, report, &mut sums)?;
        if report.details {
            part.add_details(&state, report, &mut sums)?;
        }
    }
    Ok(sums.into_values().collect())
}

/// Rows of one of the tables: of spans from the first one on and before the end.
struct Part {
    tables: &'static SumTables,
    from: i64,
    end: i64,
}

/// Lists the parts of the tables that make up a report.
fn parts(db: &Connection, schema: i32, report: &Report) -> rusqlite::Result<Vec<Part>> {
    let first: Option<i64> = db.query_row("SELECT min(hour) FROM sums", [], |row| row.get(0))?;
    let Some(first) = first else { return Ok(Vec::new()) };
    let since = report.since.map_or(first, |since| since.div_euclid(HOUR_MILLIS));
    // The sum of the first day may count hours that are no longer kept.
    let first = first.max(since);
    let hours = |end| Part {
        tables: &HOURS,
        from: first,
        end,
    };
    if schema < WITH_DAYS || report.by.contains(&By::Hour) {
        return Ok(vec![hours(i64::MAX)]);
    }
    let day = DAYS.of_hour(first + DAYS.hours - 1);
    let days = Part {
        tables: &DAYS,
        from: day,
        end: i64::MAX,
    };
    Ok(vec![hours(day * DAYS.hours), days])
}

impl Part {
    /// Returns the columns of the groups, and the condition with its values.
    fn sql(&self, report: &Report) -> (String, String, Vec<Value>) {
        let tables = self.tables;
        let column = |by: &By| match by {
            By::Hour => tables.hour_sql(),
            By::Day => tables.day_sql(),
            By::Sink | By::Mapping | By::EventName | By::Outcome | By::Reason => by.name().to_owned(),
        };
        let groups: Vec<String> = report
            .by
            .iter()
            .map(column)
            .chain(["currency".to_owned()])
            .collect();
        let span = tables.span;
        let (mut condition, mut values) = (
            format!("{span} >= ? AND {span} < ?"),
            vec![self.from.into(), self.end.into()],
        );
        if let Some(sink) = &report.sink {
            condition.push_str(" AND sink = ?");
            values.push(Value::Text(sink.clone()));
        }
        (groups.join(", "), condition, values)
    }

    fn add_sums(&self, db: &Connection, report: &Report, sums: &mut Sums) -> rusqlite::Result<()> {
        let (groups, condition, values) = self.sql(report);
        // Whole units and the rest apart: neither sum overflows.
        let sql = format!(
            "SELECT {groups}, sum(count), sum(value / {UNIT}), sum(value % {UNIT}), sum(valued), sum(attempts), sum(bytes), \
             sum(late) FROM {} WHERE {condition} GROUP BY {groups}",
            self.tables.sums
        );
        let by = report.by.len();
        let mut select = db.prepare(&sql)?;
        let mut rows = select.query(params_from_iter(&values))?;
        while let Some(row) = rows.next()? {
            let (units, rest): (i64, i64) = (row.get(by + 2)?, row.get(by + 3)?);
            sum_of(sums, row, by)?.add(Sum {
                count: row.get(by + 1)?,
                value_millionths: units.saturating_mul(UNIT).saturating_add(rest),
                valued: row.get(by + 4)?,
                attempts: row.get(by + 5)?,
                bytes: row.get(by + 6)?,
                late: row.get(by + 7)?,
                ..Sum::default()
            });
        }
        Ok(())
    }

    fn add_details(&self, db: &Connection, report: &Report, sums: &mut Sums) -> rusqlite::Result<()> {
        let (groups, condition, values) = self.sql(report);
        let SumTables {
            sums: table, details, ..
        } = self.tables;
        let sql = format!(
            "SELECT {groups}, kind, name, sum({details}.count) FROM {table} JOIN {details} ON {details}.sum = {table}.id \
             WHERE {condition} GROUP BY {groups}, kind, name"
        );
        let by = report.by.len();
        let mut select = db.prepare(&sql)?;
        let mut rows = select.query(params_from_iter(&values))?;
        while let Some(row) = rows.next()? {
            let sum = sum_of(sums, row, by)?;
            let kind = row.get_ref(by + 1)?.as_str()?;
            let counts = match kind {
                "match_key" => &mut sum.match_keys,
                "parameter" => &mut sum.parameters,
                "warning" => &mut sum.warnings,
                "latency" => &mut sum.latency,
                _ => continue,
            };
            *counts.entry(row.get(by + 2)?).or_default() += row.get::<_, i64>(by + 3)?;
        }
        Ok(())
    }
}

/// Returns the sum of the group and the currency that are the first columns of a row.
fn sum_of<'s>(sums: &'s mut Sums, row: &Row<'_>, by: usize) -> rusqlite::Result<&'s mut Sum> {
    let group: Vec<String> = (0..by)
        .map(|column| row.get(column))
        .collect::<rusqlite::Result<_>>()?;
    let currency: String = row.get(by)?;
    let sum = Sum {
        group: group.clone(),
        currency: currency.clone(),
        ..Sum::default()
    };
    Ok(sums.entry((group, currency)).or_insert(sum))
}
