//! Sums of the records that ended lately. The sink adds them up, so that the history's thread gets a few sums instead of many
//! records.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use signalbox_core::{MatchKeys, Parameter};

use crate::files::HOUR_MILLIS;
use crate::record::{End, Head, Outcome};

/// Upper bounds of the buckets of latency in seconds; the last one has none.
pub const LATENCY_BUCKETS: [u64; 10] = [1, 2, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400];

/// The group of a sum.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) hour: i64,
    pub(crate) sink: Arc<str>,
    pub(crate) mapping: Arc<str>,
    pub(crate) event_name: Arc<str>,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Arc<str>,
    pub(crate) currency: Arc<str>,
}

/// The group that a record belongs to.
#[derive(PartialEq, Eq, Hash)]
struct KeyOf<'r> {
    hour: i64,
    sink: &'r str,
    mapping: &'r str,
    event_name: &'r str,
    outcome: Outcome,
    reason: &'r str,
    currency: &'r str,
}

impl<'r> KeyOf<'r> {
    fn record(head: &Head<'r>, end: &End<'r>) -> KeyOf<'r> {
        KeyOf {
            hour: end.ended_at.div_euclid(HOUR_MILLIS),
            sink: head.sink,
            mapping: head.mapping.unwrap_or_default(),
            event_name: head.counted_name(),
            outcome: end.outcome,
            reason: end.reason.unwrap_or_default(),
            currency: head.currency.unwrap_or_default(),
        }
    }

    fn key(key: &'r Key) -> KeyOf<'r> {
        KeyOf {
            hour: key.hour,
            sink: &key.sink,
            mapping: &key.mapping,
            event_name: &key.event_name,
            outcome: key.outcome,
            reason: &key.reason,
            currency: &key.currency,
        }
    }

    fn to_owned(&self) -> Key {
        Key {
            hour: self.hour,
            sink: self.sink.into(),
            mapping: self.mapping.into(),
            event_name: self.event_name.into(),
            outcome: self.outcome,
            reason: self.reason.into(),
            currency: self.currency.into(),
        }
    }
}

/// The sum of some records.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) count: i64,
    pub(crate) value: i64,
    pub(crate) valued: i64,
    pub(crate) attempts: i64,
    pub(crate) bytes: i64,
    pub(crate) late: i64,
    /// Records by the set of match keys that they carried.
    pub(crate) match_keys: Vec<(Arc<MatchKeys>, i64)>,
    /// Records by the other parameters that they carried.
    pub(crate) parameters: [i64; Parameter::ALL.len()],
    /// Records by the code and path of a warning.
    pub(crate) warnings: Vec<(Box<str>, i64)>,
    /// Delivered records by the bucket of their latency.
    pub(crate) latency: [i64; LATENCY_BUCKETS.len() + 1],
}

impl Tally {
    fn add(&mut self, head: &Head<'_>, end: &End<'_>, attempts: usize, set: Option<&Arc<MatchKeys>>) {
        self.count += 1;
        if let Some(millionths) = head.millionths {
            self.value = self.value.saturating_add(millionths);
            self.valued += 1;
        }
        self.attempts += i64::try_from(attempts).unwrap_or(0);
        self.bytes += i64::from(head.bytes);
        self.late += i64::from(end.late);
        if let Some(set) = set {
            let known = self
                .match_keys
                .iter_mut()
                .find(|(known, _)| Arc::ptr_eq(known, set));
            match known {
                Some((_, count)) => *count += 1,
                None => self.match_keys.push((set.clone(), 1)),
            }
        }
        for (count, parameter) in self.parameters.iter_mut().zip(Parameter::ALL) {
            *count += i64::from(head.parameters.has(parameter));
        }
        for warned in &*head.warnings {
            let is_it = |name: &str| match name.strip_prefix(&*warned.code) {
                Some("") => warned.path.is_empty(),
                Some(rest) => rest.strip_prefix(' ') == Some(&*warned.path),
                None => false,
            };
            match self.warnings.iter_mut().find(|(name, _)| is_it(name)) {
                Some((_, count)) => *count += 1,
                None => {
                    let blank = if warned.path.is_empty() { "" } else { " " };
                    let name = [&*warned.code, blank, &*warned.path].concat();
                    self.warnings.push((name.into(), 1));
                }
            }
        }
        if end.outcome == Outcome::Delivered
            && let Some(count) = self.latency.get_mut(bucket(head.latency(end)))
        {
            *count += 1;
        }
    }
}

/// Returns the bucket of a latency.
fn bucket(millis: u64) -> usize {
    let found = LATENCY_BUCKETS
        .iter()
        .position(|seconds| millis <= seconds * 1_000);
    found.unwrap_or(LATENCY_BUCKETS.len())
}

/// Adds records up by their groups.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    table: HashTable<(Key, Tally)>,
    hasher: DefaultHashBuilder,
}

impl Tallies {
    /// Adds a record; `set` holds its match keys.
    pub(crate) fn add<'r>(
        &mut self,
        head: &Head<'r>,
        end: &End<'r>,
        attempts: usize,
        set: Option<&Arc<MatchKeys>>,
    ) {
        let of = KeyOf::record(head, end);
        let hash = self.hasher.hash_one(&of);
        let entry = self.table.entry(
            hash,
            |(key, _)| KeyOf::key(key) == of,
            |(key, _)| self.hasher.hash_one(KeyOf::key(key)),
        );
        let mut entry = entry.or_insert_with(|| (of.to_owned(), Tally::default()));
        entry.get_mut().1.add(head, end, attempts, set);
    }
}

impl IntoIterator for Tallies {
    type Item = (Key, Tally);
    type IntoIter = hashbrown::hash_table::IntoIter<(Key, Tally)>;

    fn into_iter(self) -> Self::IntoIter {
        self.table.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::record::{Record, Warned};

    #[test]
    fn latencies_belong_to_the_bucket_of_their_upper_bound() {
        for (millis, place) in [(0, 0), (1_000, 0), (1_001, 1), (86_400_000, 9), (86_400_001, 10)] {
            assert_eq!(bucket(millis), place, "{millis}");
        }
    }

    #[test]
    fn records_that_are_alike_are_one_sum() {
        let mut tallies = Tallies::default();
        let set: Arc<MatchKeys> = Arc::new(["email"].into_iter().collect());
        for n in 0..6_u32 {
            let warned = |code: &'static str, path: &'static str| Warned {
                code: code.into(),
                path: path.into(),
            };
            let record = Record {
                event_name: (n % 2 == 0).then(|| "checkout".into()),
                match_keys: Some(Cow::Borrowed(&set)),
                warnings: vec![warned("a", ""), warned("a", "b"), warned("a b", "")],
                ..Record::of_event("web", "ads", "Order".into(), Outcome::Delivered, (0, 0))
            };
            tallies.add(&record.made().head(), &record.end(), 0, Some(&set));
        }
        assert_eq!(tallies.table.len(), 2);
        for (key, tally) in tallies {
            assert!(["checkout", "Order"].contains(&&*key.event_name));
            assert_eq!((tally.count, tally.latency[0]), (3, 3));
            assert_eq!(tally.match_keys, [(set.clone(), 3)]);
            let warnings: Vec<(&str, i64)> = tally.warnings.iter().map(|(name, n)| (&**name, *n)).collect();
            assert_eq!(warnings, [("a", 3), ("a b", 6)]);
        }
    }
}
