//! Records under way.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{Event, Record};
use signalbox_journal::Position;
use tokio::time::Instant;

use super::sent_keys::Claim;

/// A record with its history.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) record: Arc<Record>,
    /// As the sink's transforms left it; `None` if there are none, and the journal has it as it was prepared.
    pub(super) event: Option<Arc<Event>>,
    /// Of what the destination knows the record by, if it does.
    pub(super) claim: Option<Claim>,
    pub(super) position: Position,
    /// Unix milliseconds at which the event happened, as far as it says.
    pub(super) happened_at: i64,
    pub(super) attempts: u32,
    pub(super) first: Option<First>,
    pub(super) last_attempt: Option<Instant>,
    /// When it began to wait for its batch.
    pub(super) ready_since: Instant,
}

/// The first attempt of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    pub(super) at: Instant,
    /// How long it had been tried before this process.
    pub(super) earlier: Duration,
    /// Unix milliseconds.
    pub(super) wall: i64,
    /// How long the sink had been held by then, in total; held time does not count.
    pub(super) held: Duration,
}

/// Records that go together.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) items: Vec<Item>,
    /// The bisection it belongs to.
    pub(super) episode: Option<u64>,
    /// What the sink has learnt from it already.
    pub(super) lessons: Vec<String>,
    /// Keep together and do not fill up with others: it is suspected to hold a record that spoils it.
    pub(super) apart: bool,
}

/// Something that becomes due; the earliest first in a `BinaryHeap`.
#[derive(Debug)]
pub(super) struct Due<T> {
    pub(super) at: Instant,
    pub(super) what: T,
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
