//! The book: what a router knows of the stream of states. Each router reads the whole stream and keeps its records in
//! memory, but for the events of dead letters and parked events, which it fetches when it needs them.

mod follow;
pub(crate) mod key;
pub(crate) mod open;
pub(crate) mod parked;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod values;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::arrivals::Counters;
use crate::erasures::ErasureStore;
use crate::names::Names;
use crate::sink_record::SinkRecord;
use crate::{
    Arrivals, DeadLetter, DeadLetterId, DeadLetterQuota, LetterCounts, Open, Owed, Parked, Position,
    SourceTotals,
};
use key::Key;
use parked::ParkedHead;
use store::Write;
use values::read;

/// A sink.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    pub(crate) record: SinkRecord,
    /// Its parked events, by position: a place in the log, or [`Parked::BACK`] plus the sequence of the record.
    pub(crate) parked: BTreeMap<Position, ParkedRecord>,
    /// Later histories of parked events.
    opens: BTreeMap<Position, Open>,
}

/// A parked event without the event.
#[derive(Debug, Clone)]
pub(crate) struct ParkedRecord {
    pub(crate) head: ParkedHead,
    /// The sequence of the record, by which its event is fetched.
    pub(crate) sequence: u64,
    pub(crate) key: Key,
}

impl Sink {
    /// The places in the log of its parked events.
    pub(crate) fn places(&self) -> BTreeSet<Position> {
        let place = |(position, record): (&Position, &ParkedRecord)| {
            if *position < Parked::BACK {
                Some(*position)
            } else {
                record.head.open.origin
            }
        };
        self.parked.iter().filter_map(place).collect()
    }

    /// The later history of a parked event, if it has any.
    pub(crate) fn open(&self, position: Position) -> Option<Open> {
        self.opens.get(&position).cloned()
    }

    /// True if the sink holds nothing in the book: neither a record nor events.
    fn is_void(&self, written: bool) -> bool {
        !written && self.parked.is_empty() && self.opens.is_empty()
    }
}

/// A dead letter without the content of its event.
#[derive(Debug, Clone)]
pub(crate) struct LetterRecord {
    pub(crate) outline: DeadLetter,
    pub(crate) bytes: u64,
    pub(crate) key: Key,
}

/// The records of the stream, in memory.
pub(crate) struct Book {
    /// Shared with the appends under way.
    pub(crate) names: Arc<Names>,
    pub(crate) sinks: BTreeMap<String, Sink>,
    /// By source and node.
    pub(crate) sources: BTreeMap<String, BTreeMap<String, SourceTotals>>,
    pub(crate) checkpoints: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// By the sequence of their records.
    pub(crate) letters: BTreeMap<DeadLetterId, LetterRecord>,
    pub(crate) counts: BTreeMap<String, LetterCounts>,
    pub(crate) quota: DeadLetterQuota,
    pub(crate) identity: Option<Vec<u8>>,
    pub(crate) keys: Option<Vec<u8>>,
    pub(crate) erasures: Arc<ErasureStore>,
    /// The sequence of each record that is there.
    sequences: HashMap<Key, u64>,
    /// The newest sequence that was read.
    pub(crate) read_to: u64,
    /// The sequence from which on the book is whole again, after it was begun anew.
    whole_from: u64,
    /// The position after the newest event that readers can read.
    pub(crate) log_end: Position,
    /// The open readers of this router, which count the events that come.
    pub(crate) readers: Counters,
    /// The records that cannot be read, damaged or of a newer version, with their sequences.
    unreadable: BTreeMap<Key, u64>,
}

impl Book {
    pub(crate) fn new(quota: DeadLetterQuota) -> Book {
        Book {
            names: Arc::default(),
            sinks: BTreeMap::new(),
            sources: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            letters: BTreeMap::new(),
            counts: BTreeMap::new(),
            quota,
            identity: None,
            keys: None,
            erasures: Arc::new(ErasureStore::in_memory()),
            sequences: HashMap::new(),
            read_to: 0,
            whole_from: 0,
            log_end: 0,
            readers: Counters::default(),
            unreadable: BTreeMap::new(),
        }
    }

    /// Forgets all records, to read them anew. Readers stay open.
    fn begin_anew(&mut self) {
        let fresh = Book::new(self.quota);
        let readers = std::mem::take(&mut self.readers);
        let erasures = self.erasures.clone();
        let whole_from = self.whole_from.max(self.read_to);
        *self = Book {
            whole_from,
            readers,
            erasures,
            log_end: self.log_end,
            ..fresh
        };
    }

    /// The position behind all places in the log that the records speak of. Dead letters and parked events lie before what
    /// their sinks have settled.
    pub(crate) fn behind(&self) -> Position {
        let sinks = self.sinks.values().map(|sink| sink.record.behind());
        let erasures = self
            .erasures
            .list
            .list()
            .into_iter()
            .map(|erasure| erasure.before);
        sinks.chain(erasures).max().unwrap_or(0)
    }

    /// False while the records are read anew: those that are missing may be of sinks that hold events.
    pub(crate) fn is_whole(&self) -> bool {
        self.read_to >= self.whole_from
    }

    /// The sequence of a record; 0 if there is none.
    pub(crate) fn sequence(&self, key: &Key) -> u64 {
        self.sequences.get(key).copied().unwrap_or(0)
    }

    /// True if the journal knows a sink.
    pub(crate) fn has_sink(&self, name: &str) -> bool {
        self.sequences.contains_key(&Key::Sink(name.to_owned()))
    }

    /// Lists the sinks that have a record.
    pub(crate) fn known_sinks(&self) -> impl Iterator<Item = (&String, &Sink)> {
        self.sinks.iter().filter(|(name, _)| self.has_sink(name))
    }

    /// Makes the writes that remove parked events of a sink with their histories.
    pub(crate) fn unpark_writes(
        &self,
        sink: &str,
        positions: impl IntoIterator<Item = Position>,
    ) -> Vec<Write> {
        let mut writes = Vec::new();
        for position in positions {
            let known = self.sinks.get(sink).and_then(|sink| sink.parked.get(&position));
            let key = known.map(|record| record.key.clone());
            writes.push(Write::remove(
                key.unwrap_or_else(|| Key::Parked(sink.to_owned(), position)),
            ));
            let history = Key::Open(sink.to_owned(), position);
            if self.sequence(&history) > 0 {
                writes.push(Write::remove(history));
            }
        }
        writes
    }

    /// Notes that events have become readable, counted by source, and the position after the last of them.
    pub(crate) fn events_came(&mut self, counts: &BTreeMap<Arc<str>, u64>, end: Position) {
        for (source, count) in counts {
            self.readers.add(source, *count);
        }
        self.log_end = self.log_end.max(end);
    }

    /// Opens the counter of arrivals of a sink's reader, and revokes its earlier reader. Returns also the position from
    /// which it counts.
    pub(crate) fn open_reader(&mut self, sink: &str, owed: &Owed) -> (Position, Arrivals) {
        (self.log_end, self.readers.open(sink, owed))
    }

    /// Takes in a record. `own` is true if this router wrote it; the readers of a sink that another router changed are
    /// revoked. False if the value cannot be read.
    pub(crate) fn take_in(&mut self, key: Key, sequence: u64, value: &[u8], own: bool) -> bool {
        self.read_to = sequence;
        if !own && let Key::Sink(sink) | Key::Back(sink, _) = &key {
            self.readers.revoke(sink);
        }
        // An earlier value of the key is gone.
        self.forget(&key);
        self.unreadable.remove(&key);
        if value.is_empty() {
            return true;
        }
        let bytes = value.len() as u64;
        let read = self.learn(&key, sequence, value, bytes);
        if read.is_some() {
            self.sequences.insert(key, sequence);
            return true;
        }
        self.unreadable.insert(key, sequence);
        false
    }

    /// Notes that a record cannot be read.
    fn cannot_read(&mut self, key: Key, sequence: u64) {
        self.read_to = sequence;
        self.forget(&key);
        self.unreadable.insert(key, sequence);
    }

    /// True if the state of a sink is there and cannot be read.
    pub(crate) fn is_unreadable(&self, sink: &str) -> bool {
        self.unreadable_sink(sink).is_some()
    }

    /// The sequence of the state of a sink that cannot be read.
    pub(crate) fn unreadable_sink(&self, sink: &str) -> Option<u64> {
        self.unreadable.get(&Key::Sink(sink.to_owned())).copied()
    }

    /// Lists the sinks whose states cannot be read.
    pub(crate) fn unreadable_sinks(&self) -> impl Iterator<Item = &str> {
        self.unreadable.keys().filter_map(|key| match key {
            Key::Sink(sink) => Some(sink.as_str()),
            _ => None,
        })
    }

    /// True if the state of some sink cannot be read: it may hold any event.
    pub(crate) fn has_unreadable_sink(&self) -> bool {
        self.unreadable_sinks().next().is_some()
    }

    fn learn(&mut self, key: &Key, sequence: u64, value: &[u8], bytes: u64) -> Option<()> {
        match key {
            Key::Identity => self.identity = Some(value.to_vec()),
            Key::Keys => self.keys = Some(value.to_vec()),
            Key::Names => self.names = Arc::new(read(value)?),
            Key::Erasures => self.erasures.install(value)?,
            Key::Sink(name) => {
                let record: SinkRecord = read(value)?;
                record.check(name).ok()?;
                self.sinks.entry(name.clone()).or_default().record = record;
            }
            Key::Parked(sink, position) => self.park(sink, *position, key, sequence, value)?,
            Key::Back(sink, _) => self.park(sink, Parked::BACK + sequence, key, sequence, value)?,
            Key::Open(sink, position) => {
                let open = read(value)?;
                let sink = self.sinks.entry(sink.clone()).or_default();
                sink.opens.insert(*position, open);
            }
            Key::Letter(component, _) => {
                let letter: DeadLetter = read(value)?;
                let outline = DeadLetter {
                    payload: None,
                    facts: None,
                    ..letter
                };
                let counts = self.counts_of(component);
                (counts.kept, counts.bytes) = (counts.kept + 1, counts.bytes + bytes);
                let record = LetterRecord {
                    outline,
                    bytes,
                    key: key.clone(),
                };
                self.letters.insert(sequence, record);
            }
            Key::Dropped(component) => self.counts_of(component).dropped = read(value)?,
            Key::Source(source, node) => {
                let totals = read(value)?;
                let source = self.sources.entry(source.clone()).or_default();
                source.insert(node.clone(), totals);
            }
            Key::Checkpoint(source, key) => {
                let source = self.checkpoints.entry(source.clone()).or_default();
                source.insert(key.clone(), values::checkpoint(value).to_vec());
            }
            Key::Seen(_) => {}
        }
        Some(())
    }

    fn park(&mut self, sink: &str, position: Position, key: &Key, sequence: u64, value: &[u8]) -> Option<()> {
        let head = parked::head(value)?;
        let record = ParkedRecord {
            head,
            sequence,
            key: key.clone(),
        };
        let sink = self.sinks.entry(sink.to_owned()).or_default();
        sink.parked.insert(position, record);
        Some(())
    }

    /// Forgets the record of a key.
    fn forget(&mut self, key: &Key) {
        let Some(sequence) = self.sequences.remove(key) else {
            return;
        };
        match key {
            Key::Identity | Key::Keys | Key::Names | Key::Erasures | Key::Seen(_) => {}
            Key::Sink(name) => {
                if let Some(sink) = self.sinks.get_mut(name) {
                    sink.record = SinkRecord::default();
                }
                self.drop_void(name);
            }
            Key::Parked(sink, position) => self.unpark(sink, *position),
            Key::Back(sink, _) => self.unpark(sink, Parked::BACK + sequence),
            Key::Open(sink, position) => {
                if let Some(sink) = self.sinks.get_mut(sink) {
                    sink.opens.remove(position);
                }
                self.drop_void(sink);
            }
            Key::Letter(component, _) => {
                if let Some(letter) = self.letters.remove(&sequence) {
                    let counts = self.counts_of(component);
                    counts.kept = counts.kept.saturating_sub(1);
                    counts.bytes = counts.bytes.saturating_sub(letter.bytes);
                }
            }
            Key::Dropped(component) => self.counts_of(component).dropped = 0,
            Key::Source(source, node) => {
                if let Some(nodes) = self.sources.get_mut(source) {
                    nodes.remove(node);
                    if nodes.is_empty() {
                        self.sources.remove(source);
                    }
                }
            }
            Key::Checkpoint(source, key) => {
                if let Some(keys) = self.checkpoints.get_mut(source) {
                    keys.remove(key);
                }
            }
        }
    }

    fn unpark(&mut self, sink: &str, position: Position) {
        if let Some(sink) = self.sinks.get_mut(sink) {
            sink.parked.remove(&position);
        }
        self.drop_void(sink);
    }

    fn drop_void(&mut self, name: &str) {
        let written = self.has_sink(name);
        if self.sinks.get(name).is_some_and(|sink| sink.is_void(written)) {
            self.sinks.remove(name);
        }
    }

    fn counts_of(&mut self, component: &str) -> &mut LetterCounts {
        let max_bytes = self.quota.bytes(component);
        let counts = self.counts.entry(component.to_owned()).or_default();
        counts.max_bytes = max_bytes;
        counts
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_book_begun_anew_is_whole_once_it_has_read_as_far_as_before() {
        let mut book = Book::new(DeadLetterQuota::default());
        assert!(book.is_whole());
        let sink = || Key::Sink("a".into());
        let record = serde_json::to_vec(&SinkRecord::default()).unwrap();
        assert!(book.take_in(sink(), 7, &record, true) && book.is_whole());
        book.begin_anew();
        assert!(!book.is_whole() && !book.has_sink("a"));
        book.take_in(Key::Seen("n".into()), 3, b"{}", true);
        assert!(!book.is_whole());
        book.begin_anew();
        assert!(!book.is_whole(), "begun anew in the middle");
        book.take_in(sink(), 8, &record, true);
        assert!(book.is_whole() && book.has_sink("a"));
    }
}
