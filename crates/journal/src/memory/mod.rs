//! A journal in memory.

mod erasures;
mod letters;
mod reader;
mod state;
mod states;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use signalbox_core::Event;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::erasures::ErasureStore;
use crate::mutex::lock;
use crate::{
    AppendError, Appended, DeadLetterQuota, Entry, Found, JournalError, Log, Parked, Position, Reader,
    Resumed, Start, Subscription, Usage,
};
use reader::MemoryReader;
use state::State;

/// The wait that a full journal suggests to clients.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Keeps events in memory: nothing survives the process. Refuses more than its limit of bytes. Remembers the
/// newest 200,000 ids.
#[derive(Clone)]
pub struct MemoryJournal(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Woken by appends and by closing.
    news: Notify,
    clock: Clock,
    erasures: ErasureStore,
}

impl MemoryJournal {
    /// The default quota of dead letters: less than on disk.
    pub const DEAD_LETTERS: DeadLetterQuota = DeadLetterQuota {
        sink_bytes: 64_000_000,
        on_full: crate::OnFull::HoldSink,
        source_bytes: 16_000_000,
        max_age: None,
    };

    /// Creates an empty journal for at most `max_bytes` of events (as parsed, about three times their text).
    pub fn new(max_bytes: u64) -> MemoryJournal {
        MemoryJournal::with_quota(max_bytes, MemoryJournal::DEAD_LETTERS)
    }

    /// Does the same as [`MemoryJournal::new`], with another quota of dead letters.
    pub fn with_quota(max_bytes: u64, quota: DeadLetterQuota) -> MemoryJournal {
        let state = State {
            quota,
            max_bytes,
            last_back: Parked::BACK,
            ..State::default()
        };
        MemoryJournal(Arc::new(Shared {
            state: Mutex::new(state),
            news: Notify::new(),
            clock: Clock::new(SystemTime::now),
            erasures: ErasureStore::in_memory(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    /// The state without dead letters that have become too old.
    fn without_aged(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.drop_aged(self.0.clock.wall());
        state
    }
}

#[async_trait]
impl Log for MemoryJournal {
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Appended>, AppendError> {
        let mut state = self.state();
        if state.closed {
            return Err(AppendError::Closed);
        }
        // Judged with duplicates counted: they are few, and a refusal must leave no id behind.
        let bytes: u64 = events.iter().map(|event| event.memory() as u64).sum();
        if state.bytes + bytes > state.max_bytes {
            return Err(AppendError::Full {
                retry_after: RETRY_AFTER,
            });
        }
        let mut fates = Vec::with_capacity(events.len());
        for event in events {
            if !state.learn(&event) {
                fates.push(Appended::Duplicate);
                continue;
            }
            fates.push(Appended::Stored(state.end()));
            let bytes = event.memory() as u64;
            state.bytes += bytes;
            state.arrivals.add(&event.receipt().source, 1);
            state.entries.push_back((Arc::new(event), bytes));
        }
        state.truncate();
        drop(state);
        self.0.news.notify_waiters();
        Ok(fates)
    }

    async fn reader(
        &self,
        sink: &str,
        subscription: &Subscription,
    ) -> Result<(Box<dyn Reader>, Resumed), JournalError> {
        let mut state = self.state();
        let held = state.held();
        let known = state.sinks.remove(sink);
        let new = known.is_none();
        let mut opened = known.unwrap_or_default();
        let record = &mut opened.record;
        let new_at = new.then_some(match subscription.start {
            Start::Beginning => held.from,
            Start::End => held.to,
        });
        record.begin(new_at, held);
        let roster = (state.roster.as_ref(), &state.names);
        record.open(subscription, roster, held, &BTreeSet::new(), self.0.clock.now());
        let owed = record.inputs.owed(&state.names);
        let resumed = Resumed {
            arrivals: state.arrivals.open(sink, &owed),
            progress: opened.record.progress.clone(),
            parked: opened
                .parked
                .range(..Parked::BACK)
                .map(|(_, parked)| parked.clone())
                .collect(),
            returned: opened.parked.range(Parked::BACK..).count() as u64,
            unread: state.unread(&opened.record),
            lost: Vec::new(),
            owed,
            erasures: self.0.erasures.list.clone(),
            mappings: opened.record.mappings.renamed.clone(),
        };
        state.sinks.insert(sink.to_owned(), opened);
        self.0.news.notify_waiters();
        let reader = MemoryReader {
            journal: self.clone(),
            sink: sink.to_owned(),
            at: resumed.progress.cursor,
            settled: resumed.progress.settled.clone(),
            arrivals: resumed.arrivals.clone(),
        };
        Ok((Box::new(reader), resumed))
    }

    async fn find(&self, arrived_at: i64) -> Result<Found, JournalError> {
        let state = self.state();
        let index = state
            .entries
            .partition_point(|(event, _)| event.receipt().received_at < arrived_at);
        Ok(Found {
            at: state.base + index as u64,
            from: state.base,
            to: state.end(),
        })
    }

    async fn events_at(&self, positions: &[Position]) -> Result<Vec<Entry>, JournalError> {
        Ok(self.state().entries_at(positions))
    }

    fn usage(&self) -> Usage {
        let state = self.state();
        Usage {
            events: state.entries.len() as u64,
            bytes: state.bytes,
            max_bytes: state.max_bytes,
        }
    }

    fn slowest(&self) -> Option<(String, Position)> {
        let state = self.state();
        let holding = state.sinks.iter().filter(|(_, sink)| !sink.record.released);
        let slowest = holding.min_by_key(|(_, sink)| sink.record.progress.cursor);
        slowest.map(|(name, sink)| (name.clone(), sink.record.progress.cursor))
    }

    fn close(&self) {
        self.state().closed = true;
        self.0.news.notify_waiters();
    }

    async fn shutdown(&self) {}
}
