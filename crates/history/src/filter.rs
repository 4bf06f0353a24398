//! The filter of a search, and its conditions in SQL.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_core::Parameters;

use crate::record::Outcome;
use crate::schema;

/// The conditions on records; all of them must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Name of the sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// True for records of sinks, false for those of sources, which have `source:NAME` in the place of the sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_sinks: Option<bool>,
    /// Name of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Name of the mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// True for records without a mapping, as of events that ended before any, false for those of a mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_mapping: Option<bool>,
    /// The event's own name, or that at the destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
    /// The name under which sums count the record: that at the destination, else the event's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_name: Option<String>,
    /// Name of the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Code of the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// True for events that were late at delivery, false for the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<bool>,
    /// Code of a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Path of a warning's field. With a code, both are those of one warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning_path: Option<String>,
    /// Name of a match key that the record carried; of several, joined by commas, it carried at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_key: Option<String>,
    /// Name of a match key that the record did not carry; of several, joined by commas, it carried none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_match_key: Option<String>,
    /// Name of a parameter that the record carried; of several, joined by commas, it carried at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<Parameters>,
    /// Name of a parameter that the record did not carry; of several, joined by commas, it carried none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_parameter: Option<Parameters>,
    /// ISO 4217 code of the value's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Records that ended at or after this moment, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Records that ended before this moment, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
}

impl Filter {
    /// Returns true if only rows that tell of parameters can meet it.
    pub(crate) fn asks_for_parameters(&self) -> bool {
        self.parameter.is_some() || self.without_parameter.is_some()
    }
}

/// The conditions of a filter, in the numbers of one file.
#[derive(Default)]
pub(crate) struct Conditions {
    on_rows: Vec<String>,
    /// The same for [blocks](crate::blocks): true if a row of the block may meet them.
    on_blocks: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Translates a filter; `None` if no row of the file can meet it.
    pub(crate) fn of(db: &Connection, version: i32, filter: &Filter) -> rusqlite::Result<Option<Conditions>> {
        if filter.asks_for_parameters() && version < schema::PARAMETERS {
            return Ok(None);
        }
        let mut all = Conditions::default();
        let named = [
            ("sink = ?", &filter.sink),
            ("source = ?", &filter.source),
            ("mapping = ?", &filter.mapping),
            // As `Head::counted_name` has it.
            ("coalesce(event_name, event) = ?", &filter.counted_name),
            ("reason = ?", &filter.reason),
        ];
        for (sql, name) in named {
            let Some(name) = name else { continue };
            let Some(number) = number(db, name)? else {
                return Ok(None);
            };
            all.add(sql, sql, [number]);
        }
        if let Some(currency) = &filter.currency {
            let Some(number) = number(db, currency)? else {
                return Ok(None);
            };
            // Blocks do not have it.
            all.add("currency = ?", "? IS NOT NULL", [number]);
        }
        if let Some(name) = &filter.event_name {
            let Some(number) = number(db, name)? else {
                return Ok(None);
            };
            let sql = "(event_name = ? OR event = ?)";
            all.add(sql, sql, [number, number]);
        }
        if let Some(outcome) = &filter.outcome {
            let Some(outcome) = Outcome::named(outcome) else {
                return Ok(None);
            };
            all.add("outcome = ?", "outcome = ?", [i64::from(outcome as u8)]);
        }
        let flags = [
            (
                "(sink IN (SELECT id FROM names WHERE name GLOB 'source:*')) <> ?",
                filter.at_sinks,
            ),
            ("(mapping IS NULL) = ?", filter.without_mapping),
            ("late = ?", filter.late),
        ];
        for (sql, flag) in flags {
            let Some(flag) = flag else { continue };
            all.add(sql, sql, [i64::from(flag)]);
        }
        if let Some(warning) = warning_in_json(filter) {
            let sql = "warnings IN (SELECT id FROM names WHERE instr(name, ?) > 0)";
            all.add(sql, sql, [warning]);
        }
        // Blocks have neither the sets of match keys nor those of parameters.
        let sets_of_match_keys = [
            (&filter.match_key, "match_keys IN"),
            // A record without any match key has no set, and destinations that take match keys have names for conversions.
            (
                &filter.without_match_key,
                "event_name IS NOT NULL AND coalesce(match_keys, 0) NOT IN",
            ),
        ];
        for (list, sql) in sets_of_match_keys {
            let Some(list) = list else { continue };
            let keys: Vec<String> = list.split(',').map(|key| in_json(key.trim())).collect();
            let each = |sql: &str, between: &str| vec![sql; keys.len()].join(between);
            let holds = each("instr(name, ?) > 0", " OR ");
            let on_rows = format!("{sql} (SELECT id FROM names WHERE {holds})");
            all.add(&on_rows, &each("? IS NOT NULL", " AND "), keys);
        }
        let sets_of_parameters = [
            (filter.parameter, "parameters & ? <> 0"),
            (filter.without_parameter, "parameters & ? = 0"),
        ];
        for (set, sql) in sets_of_parameters {
            let Some(set) = set else { continue };
            all.add(sql, "? IS NOT NULL", [i64::from(set.bits())]);
        }
        if let Some(since) = filter.since {
            all.add("ended_at >= ?", "last_ended_at >= ?", [since]);
        }
        if let Some(before) = filter.before {
            all.add("ended_at < ?", "first_ended_at < ?", [before]);
        }
        Ok(Some(all))
    }

    fn add<T: Into<Value>>(&mut self, on_rows: &str, on_blocks: &str, values: impl IntoIterator<Item = T>) {
        self.on_rows.push(on_rows.to_owned());
        self.on_blocks.push(on_blocks.to_owned());
        self.values.extend(values.into_iter().map(Into::into));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.on_rows.is_empty()
    }

    /// Returns the SQL for `rows`, whose parameters are [`Conditions::values`].
    pub(crate) fn on_rows(&self) -> String {
        joined(&self.on_rows)
    }

    /// Returns the SQL for `blocks`, with the same parameters.
    pub(crate) fn on_blocks(&self) -> String {
        joined(&self.on_blocks)
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }
}

/// Returns the part that the JSON of a list of warnings has for a warning that the filter wants.
fn warning_in_json(filter: &Filter) -> Option<String> {
    let code = filter.warning.as_deref().map(in_json);
    let path = filter.warning_path.as_deref().map(in_json);
    match (code, path) {
        (None, None) => None,
        (Some(code), None) => Some(format!("\"code\":{code},")),
        (None, Some(path)) => Some(format!(",\"path\":{path}}}")),
        (Some(code), Some(path)) => Some(format!("\"code\":{code},\"path\":{path}}}")),
    }
}

/// Writes a text as JSON has it.
fn in_json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn joined(conditions: &[String]) -> String {
    if conditions.is_empty() {
        "TRUE".to_owned()
    } else {
        conditions.join(" AND ")
    }
}

/// Returns the number of a text in a file.
fn number(db: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    let mut find = db.prepare_cached("SELECT id FROM names WHERE name = ?1")?;
    find.query_row([name], |row| row.get(0)).optional()
}
