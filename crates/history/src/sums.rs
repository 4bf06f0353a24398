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

use crate::checks::{Checked, Checks};
use crate::db::{self, Trouble};
use crate::files::{HOUR_MILLIS, SUMS};
use crate::health::Numbers;
use crate::limits::Settings;
use crate::losses::{Content, DAMAGED, DELETED, OVERWRITTEN};
use crate::schema;
use crate::sum_tables::{DAYS, HOURS, SumTables};
use crate::tallies::{Key, LATENCY_BUCKETS, Tally};
use crate::watched::{State, Watched};

/// Most names of events, and most currencies, of a sink in an hour.
const MOST: usize = 100;
/// Sums that wait in memory at most while their file cannot be written; beyond, those of the oldest hour are lost.
const MOST_WAITING: usize = 10_000;
/// The names of the buckets of latency: their upper bounds in seconds.
const LATENCY_NAMES: [&str; LATENCY_BUCKETS.len() + 1] = [
    "1", "2", "5", "15", "60", "300", "900", "3600", "21600", "86400", "+inf",
];

#[derive(Debug, Default)]
struct Values {
    /// All but the match keys and the warnings.
    tally: Tally,
    match_keys: BTreeMap<Box<str>, i64>,
    warnings: BTreeMap<Box<str>, i64>,
}

impl Values {
    fn add(&mut self, other: &Tally) {
        let tally = &mut self.tally;
        tally.count += other.count;
        tally.value = tally.value.saturating_add(other.value);
        tally.valued += other.valued;
        tally.attempts += other.attempts;
        tally.bytes += other.bytes;
        tally.late += other.late;
        for (mine, others) in tally.latency.iter_mut().zip(other.latency) {
            *mine += others;
        }
        for (mine, others) in tally.parameters.iter_mut().zip(other.parameters) {
            *mine += others;
        }
        for (set, count) in &other.match_keys {
            set.names()
                .for_each(|name| add(&mut self.match_keys, name, *count));
        }
        for (name, count) in &other.warnings {
            add(&mut self.warnings, name, *count);
        }
    }
}

/// Adds records up, and writes the sums.
pub(crate) struct Sums {
    path: PathBuf,
    keep_hours: i64,
    db: Option<Connection>,
    watched: Watched,
    numbers: Arc<Numbers>,
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
    fn bound(&mut self, hour: i64, sink: &Arc<str>, name: Arc<str>) -> Arc<str> {
        if self.hour != hour {
            *self = Names {
                hour,
                ..Names::default()
            };
        }
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
    pub(crate) fn new(settings: &Settings, numbers: Arc<Numbers>) -> Sums {
        let path = settings.folder.join(SUMS);
        Sums {
            watched: Watched::new(path.clone()),
            path,
            numbers,
            keep_hours: settings.keep_millis() / HOUR_MILLIS,
            db: None,
            waiting: HashMap::new(),
            names: Names::default(),
            swept: 0,
        }
    }

    /// Adds the sum of some records. Returns the number of records whose sums were lost since too many wait.
    pub(crate) fn add(&mut self, mut key: Key, tally: &Tally) -> u64 {
        if !key.currency.is_empty() {
            // A blank cannot stand in a name of one kind and a currency alike.
            let named = format!("currency {}", key.currency).into();
            let named = self.names.bound(key.hour, &key.sink, named);
            key.currency = named.strip_prefix("currency ").unwrap_or(&named).into();
        }
        key.event_name = self.names.bound(key.hour, &key.sink, key.event_name);
        let shed = self.make_room(&key);
        self.waiting.entry(key).or_default().add(tally);
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
            .map(|(_, values)| u64::try_from(values.tally.count).unwrap_or(0))
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
        let written = self.watched.write(|| write(&mut db, &self.waiting, oldest));
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
                    self.numbers.set_aside(&self.path, DAMAGED, Content::Sums)?;
                }
                Err(trouble)
            }
        }
    }

    /// Looks if another program has deleted or overwritten the file. A damaged one is set aside.
    ///
    /// # Errors
    /// [`Trouble`] if it cannot be renamed.
    pub(crate) fn look(&mut self, checks: &mut Checks) -> Result<(), Trouble> {
        if self.db.is_none() {
            return Ok(());
        }
        match self.watched.state() {
            State::Same => Ok(()),
            State::Gone => {
                self.leave();
                Ok(())
            }
            State::Changed => self.check(OVERWRITTEN, checks).map(drop),
        }
    }

    /// Checks the file, and sets a damaged one aside; `how` tells what became of it. Returns false if there was no time for it.
    ///
    /// # Errors
    /// [`Trouble`] if it cannot be renamed.
    pub(crate) fn check(&mut self, how: &str, checks: &mut Checks) -> Result<bool, Trouble> {
        match checks.check(&self.path) {
            // The tool of an operator may write.
            Checked::Sound => self.watched.accept(),
            Checked::Damaged => {
                self.db = None;
                self.numbers.set_aside(&self.path, how, Content::Sums)?;
            }
            Checked::Later => return Ok(false),
        }
        Ok(true)
    }

    /// Lets go of the file, whose folder was deleted or replaced.
    pub(crate) fn leave(&mut self) {
        if self.db.take().is_some() && self.watched.state() == State::Gone {
            self.numbers.lose(Content::Sums, format!("{SUMS} {DELETED}"));
        }
    }

    /// Opens the file, and sets a damaged one aside.
    fn open(&mut self) -> Result<Connection, Trouble> {
        let db = match db::open(&self.path, &schema::SUMS) {
            Err(trouble) if trouble.is_damage() => {
                self.numbers.set_aside(&self.path, DAMAGED, Content::Sums)?;
                db::open(&self.path, &schema::SUMS)?
            }
            opened => opened?,
        };
        self.watched.accept();
        Ok(db)
    }
}

fn add(counts: &mut BTreeMap<Box<str>, i64>, name: &str, more: i64) {
    match counts.get_mut(name) {
        Some(count) => *count += more,
        None => {
            counts.insert(name.into(), more);
        }
    }
}

fn write(db: &mut Connection, sums: &HashMap<Key, Values>, oldest: i64) -> rusqlite::Result<()> {
    let change = db.transaction()?;
    for tables in [&HOURS, &DAYS] {
        remove_old(&change, tables, oldest)?;
        write_to(&change, tables, sums)?;
    }
    change.commit()
}

/// Removes the sums of spans that ended before an hour.
fn remove_old(change: &Connection, tables: &SumTables, oldest: i64) -> rusqlite::Result<()> {
    let SumTables {
        span, sums, details, ..
    } = tables;
    let oldest = [tables.of_hour(oldest)];
    let sql = format!("DELETE FROM {details} WHERE sum IN (SELECT id FROM {sums} WHERE {span} < ?1)");
    change.prepare_cached(&sql)?.execute(oldest)?;
    let sql = format!("DELETE FROM {sums} WHERE {span} < ?1");
    change.prepare_cached(&sql)?.execute(oldest)?;
    Ok(())
}

fn write_to(change: &Connection, tables: &SumTables, sums: &HashMap<Key, Values>) -> rusqlite::Result<()> {
    let SumTables {
        span,
        sums: table,
        details,
        ..
    } = tables;
    // A number too large for SQLite becomes a float, which the cast brings back as the largest one.
    let add_sum = format!(
        "INSERT INTO {table} ({span}, sink, mapping, event_name, outcome, reason, currency, count, value, valued, attempts, \
         bytes, late) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
         ON CONFLICT DO UPDATE SET count = count + excluded.count, value = CAST(value + excluded.value AS INTEGER), \
         valued = valued + excluded.valued, attempts = attempts + excluded.attempts, \
         bytes = bytes + excluded.bytes, late = late + excluded.late RETURNING id"
    );
    let add_detail = format!(
        "INSERT INTO {details} VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET count = count + excluded.count"
    );
    let mut add_sum = change.prepare_cached(&add_sum)?;
    let mut detail = change.prepare_cached(&add_detail)?;
    for (key, values) in sums {
        let id: i64 = add_sum.query_row(
            params![
                tables.of_hour(key.hour),
                &*key.sink,
                &*key.mapping,
                &*key.event_name,
                key.outcome.name(),
                &*key.reason,
                &*key.currency,
                values.tally.count,
                values.tally.value,
                values.tally.valued,
                values.tally.attempts,
                values.tally.bytes,
                values.tally.late,
            ],
            |row| row.get(0),
        )?;
        for (name, count) in &values.match_keys {
            detail.execute(params![id, "match_key", name, count])?;
        }
        for (parameter, count) in Parameter::ALL.iter().zip(values.tally.parameters) {
            if count > 0 {
                detail.execute(params![id, "parameter", parameter.name(), count])?;
            }
        }
        for (name, count) in &values.warnings {
            detail.execute(params![id, "warning", name, count])?;
        }
        let latency = LATENCY_NAMES.iter().zip(values.tally.latency);
        for (name, count) in latency.filter(|(_, count)| *count > 0) {
            detail.execute(params![id, "latency", name, count])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Outcome;

    #[test]
    fn buckets_are_named_by_their_upper_bounds() {
        for (bound, name) in LATENCY_BUCKETS.iter().zip(LATENCY_NAMES) {
            assert_eq!(bound.to_string(), name);
        }
    }

    fn key(hour: i64, reason: &str) -> Key {
        Key {
            hour,
            sink: "ads".into(),
            mapping: "".into(),
            event_name: "e".into(),
            outcome: Outcome::Filtered,
            reason: reason.into(),
            currency: "".into(),
        }
    }

    #[test]
    fn sums_that_cannot_be_written_are_bounded() {
        let mut sums = Sums::new(&Settings::new("/nowhere"), Arc::default());
        let one = Tally {
            count: 1,
            ..Tally::default()
        };
        for n in 0..MOST_WAITING {
            let hour = i64::from(n >= 10);
            assert_eq!(sums.add(key(hour, &n.to_string()), &one), 0);
        }
        let last = key(1, &(MOST_WAITING - 1).to_string());
        assert_eq!(sums.add(last, &one), 0, "it has a place");
        assert_eq!(
            sums.add(key(1, "another"), &one),
            10,
            "the sums of the first hour"
        );
        assert_eq!(sums.waiting.len(), MOST_WAITING - 9);
        assert_eq!(sums.add(key(1, "another"), &one), 0);
    }

    #[test]
    fn names_are_bounded_by_sink_and_hour() {
        let (mut names, one, other): (Names, Arc<str>, Arc<str>) =
            (Names::default(), "one".into(), "other".into());
        for n in 0..MOST {
            let name = format!("n{n}");
            assert_eq!(*names.bound(1, &one, name.clone().into()), name);
        }
        assert_eq!(&*names.bound(1, &one, "more".into()), HIDDEN_NAME);
        assert_eq!(&*names.bound(1, &one, "n5".into()), "n5");
        assert_eq!(&*names.bound(1, &other, "more".into()), "more");
        assert_eq!(&*names.bound(2, &one, "more".into()), "more");
    }
}
