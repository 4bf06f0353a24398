//! Reports: sums, in the groups that a reader compares.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};

use crate::files::HOUR_MILLIS;

/// Millionths of a unit of a currency.
const UNIT: i64 = 1_000_000;

/// A column by which sums are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The hour, as Unix milliseconds of its beginning.
    Hour,
    /// The day (UTC), as Unix milliseconds of its beginning.
    Day,
    /// The sink.
    Sink,
    /// The mapping; empty for events that made no record.
    Mapping,
    /// The name at the destination; the event's own if it made no record.
    EventName,
    /// The outcome.
    Outcome,
    /// The code of the reason; empty for delivered records.
    Reason,
}

impl By {
    /// All columns.
    pub const ALL: [By; 7] = [
        By::Hour,
        By::Day,
        By::Sink,
        By::Mapping,
        By::EventName,
        By::Outcome,
        By::Reason,
    ];

    /// Returns the name in requests and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            By::Hour => "hour",
            By::Day => "day",
            By::Sink => "sink",
            By::Mapping => "mapping",
            By::EventName => "event_name",
            By::Outcome => "outcome",
            By::Reason => "reason",
        }
    }

    /// Finds a column by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<By> {
        By::ALL.into_iter().find(|by| by.name() == name)
    }

    /// Returns the expression, as text.
    fn sql(self) -> &'static str {
        match self {
            By::Hour => "CAST(hour * 3600000 AS TEXT)",
            By::Day => "CAST(hour / 24 * 86400000 AS TEXT)",
            By::Sink => "sink",
            By::Mapping => "mapping",
            By::EventName => "event_name",
            By::Outcome => "outcome",
            By::Reason => "reason",
        }
    }
}

/// The sums that a reader wants. Sums of different currencies are never added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Report {
    /// Sums of hours that end after this moment, Unix milliseconds. Default: all.
    pub since: Option<i64>,
    /// Only of this sink.
    pub sink: Option<String>,
    /// The groups. Default: one.
    pub by: Vec<By>,
    /// If true, counts of match keys, parameters, warnings and latencies are included.
    pub details: bool,
}

/// The sum of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// The group, in the order of [`Report::by`].
    pub group: Vec<String>,
    /// ISO 4217 code of the values' currency; empty for records without one.
    pub currency: String,
    /// Records.
    pub count: i64,
    /// Sum of values in millionths.
    pub value_millionths: i64,
    /// Records with a value.
    pub valued: i64,
    /// Attempts of all records.
    pub attempts: i64,
    /// Bytes of all records.
    pub bytes: i64,
    /// Late records.
    pub late: i64,
    /// Records that carried a match key, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_keys: BTreeMap<String, i64>,
    /// Records that carried another parameter by which destinations rate events, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, i64>,
    /// Records with a warning, by `code path`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub warnings: BTreeMap<String, i64>,
    /// Delivered records by the time from receipt to answer: upper bounds in seconds, and `+inf`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latency: BTreeMap<String, i64>,
}

impl Sum {
    /// Adds another sum of the same group.
    pub(crate) fn add(&mut self, other: Sum) {
        self.count += other.count;
        self.value_millionths = self.value_millionths.saturating_add(other.value_millionths);
        self.valued += other.valued;
        self.attempts += other.attempts;
        self.bytes += other.bytes;
        self.late += other.late;
        for (mine, others) in [
            (&mut self.match_keys, other.match_keys),
            (&mut self.parameters, other.parameters),
            (&mut self.warnings, other.warnings),
            (&mut self.latency, other.latency),
        ] {
            for (name, count) in others {
                *mine.entry(name).or_default() += count;
            }
        }
    }
}

/// Reads sums, ordered by group.
pub(crate) fn read_sums(db: &Connection, report: &Report) -> rusqlite::Result<Vec<Sum>> {
    let (mut conditions, mut values) = (vec!["TRUE"], Vec::new());
    if let Some(since) = report.since {
        conditions.push("hour >= ?");
        values.push(Value::Integer(since.div_euclid(HOUR_MILLIS)));
    }
    if let Some(sink) = &report.sink {
        conditions.push("sink = ?");
        values.push(Value::Text(sink.clone()));
    }
    let groups: Vec<&str> = report.by.iter().map(|by| by.sql()).chain(["currency"]).collect();
    let (groups, conditions) = (groups.join(", "), conditions.join(" AND "));
    let by = report.by.len();
    let key = |row: &rusqlite::Row<'_>| -> rusqlite::Result<(Vec<String>, String)> {
        let group: rusqlite::Result<Vec<String>> = (0..by).map(|column| row.get(column)).collect();
        Ok((group?, row.get(by)?))
    };
    // Whole units and the rest apart: neither sum overflows.
    let sql = format!(
        "SELECT {groups}, sum(count), sum(value / {UNIT}), sum(value % {UNIT}), sum(valued), sum(attempts), sum(bytes), \
         sum(late) FROM sums WHERE {conditions} GROUP BY {groups} ORDER BY {groups}"
    );
    let mut sums = BTreeMap::new();
    let mut select = db.prepare(&sql)?;
    let mut rows = select.query(params_from_iter(&values))?;
    while let Some(row) = rows.next()? {
        let (group, currency) = key(row)?;
        let sum = Sum {
            group: group.clone(),
            currency: currency.clone(),
            count: row.get(by + 1)?,
            value_millionths: row
                .get::<_, i64>(by + 2)?
                .saturating_mul(UNIT)
                .saturating_add(row.get(by + 3)?),
            valued: row.get(by + 4)?,
            attempts: row.get(by + 5)?,
            bytes: row.get(by + 6)?,
            late: row.get(by + 7)?,
            ..Sum::default()
        };
        sums.insert((group, currency), sum);
    }
    if report.details {
        let sql = format!(
            "SELECT {groups}, kind, name, sum(sum_details.count) FROM sums JOIN sum_details ON sum_details.sum = sums.id \
             WHERE {conditions} GROUP BY {groups}, kind, name"
        );
        let mut select = db.prepare(&sql)?;
        let mut rows = select.query(params_from_iter(&values))?;
        while let Some(row) = rows.next()? {
            let Some(sum) = sums.get_mut(&key(row)?) else {
                continue;
            };
            let kind: String = row.get(by + 1)?;
            let counts = match &*kind {
                "match_key" => &mut sum.match_keys,
                "parameter" => &mut sum.parameters,
                "warning" => &mut sum.warnings,
                "latency" => &mut sum.latency,
                _ => continue,
            };
            counts.insert(row.get(by + 2)?, row.get(by + 3)?);
        }
    }
    Ok(sums.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_requests() {
        for by in By::ALL {
            assert_eq!(serde_json::to_value(by).unwrap(), by.name());
            assert_eq!(By::named(by.name()), Some(by));
        }
        assert_eq!(By::named("week"), None);
    }
}
