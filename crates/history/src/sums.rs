//! Sums of records by the hour: always kept, in a file that stays small.
//!
//! Sums wait in memory until the thread commits them, and while their file cannot be written. What events may choose is
//! bounded: names of events and currencies beyond the first hundred of a sink and an hour are counted as one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{Connection, params};
use signalbox_core::Parameter;
use signalbox_core::privacy::HIDDEN_NAME;

use crate::db::{self, Trouble};
use crate::files::{HOUR_MILLIS, SUMS};
use crate::limits::Settings;
use crate::record::{Outcome, Record};
use crate::rows::set_aside;
use crate::schema;

/// Most names of events, and most currencies, of a sink in an hour.
const MOST: usize = 100;
/// Sums that wait in memory at most while their file cannot be written; beyond, those of the oldest hour are lost.
const MOST_WAITING: usize = 10_000;
/// Upper bounds of the buckets of latency in seconds; the last one has none.
pub const LATENCY_BUCKETS: [u64; 10] = [1, 2, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400];
/// The name of the last bucket.
const BEYOND: &str = "+inf";

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    hour: i64,
    sink: Arc<str>,
    mapping: Arc<str>,
    event_name: Arc<str>,
    outcome: Outcome,
    reason: Arc<str>,
    currency: Arc<str>,
}

#[derive(Debug, Default)]
struct Values {
    count: i64,
    value: i64,
    valued: i64,
    attempts: i64,
    bytes: i64,
    late: i64,
    match_keys: BTreeMap<Box<str>, i64>,
    parameters: [i64; Parameter::ALL.len()],
    warnings: BTreeMap<Box<str>, i64>,
    latency: BTreeMap<&'static str, i64>,
}

/// Adds records up, and writes the sums.
pub(crate) struct Sums {
    path: PathBuf,
    keep_hours: i64,
    db: Option<Connection>,
    waiting: HashMap<Key, Values>,
    /// The names that an hour has, by sink.
    names: Names,
    swept: i64,
}

#[derive(Debug, Default)]
struct Names {
    hour: i64,
    known: HashSet<(Arc<str>, Arc<str>)>,
    counts: HashMap<Arc<str>, usize>,
}

impl Names {
    /// Returns the name, or the common one if the sink has enough in this hour.
    fn bound(&mut self, hour: i64, sink: &Arc<str>, name: &str) -> Arc<str> {
        if self.hour != hour {
            *self = Names {
                hour,
                ..Names::default()
            };
        }
        let name: Arc<str> = name.into();
        let pair = (sink.clone(), name);
        if self.known.contains(&pair) {
            return pair.1;
        }
        let count = self.counts.entry(sink.clone()).or_default();
        if *count >= MOST {
            return HIDDEN_NAME.into();
        }
        *count += 1;
        let name = pair.1.clone();
        self.known.insert(pair);
        name
    }
}

impl Sums {
    pub(crate) fn new(settings: &Settings) -> Sums {
        Sums {
            path: settings.folder.join(SUMS),
            keep_hours: settings.keep_millis() / HOUR_MILLIS,
            db: None,
            waiting: HashMap::new(),
            names: Names::default(),
            swept: 0,
        }
    }

    /// Counts a record. Returns the number of records whose sums were lost since too many wait.
    pub(crate) fn add(&mut self, record: &Record) -> u64 {
        let hour = record.ended_at.div_euclid(HOUR_MILLIS);
        let currency = record.value.as_ref().and_then(|value| value.currency.as_deref());
        // A blank cannot stand in a name of one kind and a currency alike.
        let currency = match currency {
            Some(currency) => self
                .names
                .bound(hour, &record.sink, &format!("currency {currency}")),
            None => "".into(),
        };
        let currency: Arc<str> = currency.strip_prefix("currency ").unwrap_or(&currency).into();
        let key = Key {
            hour,
            sink: record.sink.clone(),
            mapping: record.mapping.clone().unwrap_or_default(),
            event_name: self.names.bound(hour, &record.sink, record.counted_name()),
            outcome: record.outcome,
            reason: record.reason.as_deref().unwrap_or_default().into(),
            currency,
        };
        let shed = self.make_room(&key);
        let values = self.waiting.entry(key).or_default();
        values.count += 1;
        if let Some(value) = &record.value {
            values.value = values.value.saturating_add(value.millionths);
            values.valued += 1;
        }
        values.attempts += i64::try_from(record.attempts.len()).unwrap_or(0);
        values.bytes += i64::from(record.bytes);
        values.late += i64::from(record.late);
        for key in &record.match_keys {
            add(&mut values.match_keys, key);
        }
        for (count, parameter) in values.parameters.iter_mut().zip(Parameter::ALL) {
            *count += i64::from(record.parameters.has(parameter));
        }
        for warning in &record.warnings {
            let blank = if warning.path.is_empty() { "" } else { " " };
            let name = format!("{}{blank}{}", warning.code, warning.path);
            add(&mut values.warnings, &name);
        }
        if record.outcome == Outcome::Delivered {
            *values.latency.entry(bucket(record.latency())).or_default() += 1;
        }
        shed
    }

    /// Drops the sums of the oldest hour if too many wait; returns the number of their records.
    fn make_room(&mut self, key: &Key) -> u64 {
        if self.waiting.len() < MOST_WAITING || self.waiting.contains_key(key) {
            return 0;
        }
        let oldest = self.waiting.keys().map(|key| key.hour).min();
        let of_oldest = self.waiting.extract_if(|key, _| Some(key.hour) == oldest);
        of_oldest
            .map(|(_, values)| u64::try_from(values.count).unwrap_or(0))
            .sum()
    }

    /// Writes what waits, and removes hours that are too old.
    ///
    /// # Errors
    /// [`Trouble`]; everything goes on waiting then.
    pub(crate) fn commit(&mut self, now: i64) -> Result<(), Trouble> {
        let oldest = now.div_euclid(HOUR_MILLIS) - self.keep_hours;
        if self.waiting.is_empty() && self.swept == oldest {
            return Ok(());
        }
        let mut db = match self.db.take() {
            Some(db) => db,
            None => self.open()?,
        };
        let written = write(&mut db, &self.waiting, oldest);
        match written {
            Ok(()) => {
                self.waiting.clear();
                self.swept = oldest;
                self.db = Some(db);
                Ok(())
            }
            Err(error) => {
                drop(db);
                let trouble = Trouble::of(&self.path, &error);
                if trouble.is_damage() {
                    set_aside(&self.path, &trouble)?;
                }
                Err(trouble)
            }
        }
    }

    /// Lets go of the file, which is deleted.
    pub(crate) fn leave(&mut self) {
        self.db = None;
    }

    /// Opens the file, and sets a damaged one aside.
    fn open(&mut self) -> Result<Connection, Trouble> {
        match db::open(&self.path, &schema::SUMS) {
            Err(trouble) if trouble.is_damage() => {
                set_aside(&self.path, &trouble)?;
                db::open(&self.path, &schema::SUMS)
            }
            opened => opened,
        }
    }
}

fn add(counts: &mut BTreeMap<Box<str>, i64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.into(), 1);
        }
    }
}

/// Returns the name of a latency's bucket: its upper bound in seconds.
fn bucket(millis: u64) -> &'static str {
    const NAMES: [&str; LATENCY_BUCKETS.len()] =
        ["1", "2", "5", "15", "60", "300", "900", "3600", "21600", "86400"];
    let found = LATENCY_BUCKETS
        .iter()
        .position(|seconds| millis <= seconds * 1_000);
    found
        .and_then(|bucket| NAMES.get(bucket).copied())
        .unwrap_or(BEYOND)
}

fn write(db: &mut Connection, sums: &HashMap<Key, Values>, oldest: i64) -> rusqlite::Result<()> {
    let change = db.transaction()?;
    change.execute(
        "DELETE FROM sum_details WHERE sum IN (SELECT id FROM sums WHERE hour < ?1)",
        [oldest],
    )?;
    change.execute("DELETE FROM sums WHERE hour < ?1", [oldest])?;
    for (key, values) in sums {
        let sql = "INSERT INTO sums (hour, sink, mapping, event_name, outcome, reason, currency, count, value, valued, attempts, \
                   bytes, late) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                   ON CONFLICT DO UPDATE SET count = count + excluded.count, value = value + excluded.value, \
                   valued = valued + excluded.valued, attempts = attempts + excluded.attempts, \
                   bytes = bytes + excluded.bytes, late = late + excluded.late RETURNING id";
        let id: i64 = change.prepare_cached(sql)?.query_row(
            params![
                key.hour,
                &*key.sink,
                &*key.mapping,
                &*key.event_name,
                key.outcome.name(),
                &*key.reason,
                &*key.currency,
                values.count,
                values.value,
                values.valued,
                values.attempts,
                values.bytes,
                values.late,
            ],
            |row| row.get(0),
        )?;
        let sql = "INSERT INTO sum_details VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT DO UPDATE SET count = count + excluded.count";
        let mut detail = change.prepare_cached(sql)?;
        for (name, count) in &values.match_keys {
            detail.execute(params![id, "match_key", name, count])?;
        }
        for (parameter, count) in Parameter::ALL.iter().zip(values.parameters) {
            if count > 0 {
                detail.execute(params![id, "parameter", parameter.name(), count])?;
            }
        }
        for (name, count) in &values.warnings {
            detail.execute(params![id, "warning", name, count])?;
        }
        for (name, count) in &values.latency {
            detail.execute(params![id, "latency", name, count])?;
        }
    }
    change.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_take_their_upper_bound() {
        for (millis, name) in [
            (0, "1"),
            (1_000, "1"),
            (1_001, "2"),
            (86_400_000, "86400"),
            (86_400_001, "+inf"),
        ] {
            assert_eq!(bucket(millis), name, "{millis}");
        }
    }

    #[test]
    fn sums_that_cannot_be_written_are_bounded() {
        let mut sums = Sums::new(&Settings::new("/nowhere"));
        let mut record = Record::of_event("web".into(), "ads".into(), "e".into(), Outcome::Filtered, (0, 0));
        for n in 0..MOST_WAITING {
            record.reason = Some(n.to_string().into());
            record.ended_at = if n < 10 { 0 } else { HOUR_MILLIS };
            assert_eq!(sums.add(&record), 0);
        }
        assert_eq!(sums.add(&record), 0, "it has a place");
        record.reason = Some("another".into());
        assert_eq!(sums.add(&record), 10, "the sums of the first hour");
        assert_eq!(sums.waiting.len(), MOST_WAITING - 9);
        assert_eq!(sums.add(&record), 0);
    }

    #[test]
    fn names_are_bounded_by_sink_and_hour() {
        let (mut names, one, other): (Names, Arc<str>, Arc<str>) =
            (Names::default(), "one".into(), "other".into());
        for n in 0..MOST {
            assert_eq!(*names.bound(1, &one, &format!("n{n}")), format!("n{n}"));
        }
        assert_eq!(&*names.bound(1, &one, "more"), HIDDEN_NAME);
        assert_eq!(&*names.bound(1, &one, "n5"), "n5");
        assert_eq!(&*names.bound(1, &other, "more"), "more");
        assert_eq!(&*names.bound(2, &one, "more"), "more");
    }
}
