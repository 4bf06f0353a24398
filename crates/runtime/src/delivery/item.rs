//! Records under way.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{Event, Record};
use signalbox_history::Draft;
use signalbox_journal::Position;
use tokio::time::Instant;

use super::sent_keys::Claim;
use super::trace::Try;

/// A record with its history.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) record: Arc<Record>,
    /// The event as the sink's transforms left it; `None` if there are none, since the journal then has the same.
    pub(super) event: Option<Arc<Event>>,
    /// The claim on the key by which the destination knows the record, if it has one.
    pub(super) claim: Option<Claim>,
    pub(super) position: Position,
    /// Unix milliseconds at which the event happened, as far as it says.
    pub(super) happened_at: i64,
    pub(super) attempts: u32,
    /// The answers to its attempts in this process; none without a history.
    pub(super) tries: Vec<Try>,
    /// The record for the history, until it ends; `None` without a history.
    pub(super) draft: Option<Draft>,
    pub(super) first: Option<First>,
    pub(super) last_attempt: Option<Instant>,
    /// The moment at which it began to wait for its batch.
    pub(super) ready_since: Instant,
}

/// The first attempt of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    pub(super) at: Instant,
    /// Time for which it had been tried before this process.
    pub(super) earlier: Duration,
    /// Unix milliseconds.
    pub(super) wall: i64,
    /// Total time for which the sink had been on hold by then; it does not count.
    pub(super) held: Duration,
}

impl First {
    /// Returns how long the record has been tried, without the time on hold; `held` is that of the sink up to now.
    pub(super) fn tried_for(self, held: Duration) -> Duration {
        let held = held.saturating_sub(self.held);
        (self.earlier + self.at.elapsed()).saturating_sub(held)
    }
}

/// Records that go together.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) items: Vec<Item>,
    /// The bisection it belongs to.
    pub(super) episode: Option<u64>,
    /// The lessons that the sink has drawn from it.
    pub(super) lessons: Vec<String>,
    /// True if it stays as it is, since one of its records may spoil it.
    pub(super) apart: bool,
}

/// Something that becomes due; the earliest first in a `BinaryHeap`.
#[derive(Debug)]
pub(super) struct Due<T> {
    pub(super) at: Instant,
    pub(super) what: T,
}

impl<T> Due<T> {
    /// Takes the earliest of a heap if its time has come.
    pub(super) fn pop(heap: &mut BinaryHeap<Due<T>>, now: Instant) -> Option<T> {
        if heap.peek()?.at > now {
            return None;
        }
        heap.pop().map(|due| due.what)
    }
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<T> Eq for Due<T> {}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}
