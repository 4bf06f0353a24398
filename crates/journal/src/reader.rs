//! One sink's view of the log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Arrivals, Commit, Entry, ErasureList, JournalError, Lost, Owed, Parked, Position, Progress};

/// One sink's view of the log.
#[async_trait]
pub trait Reader: Send {
    /// Returns the next events, at most `max`, and waits while there are none. Cancel safe: a cancelled call loses no
    /// events. Skips positions that were settled in the [`Progress`] with which the reader was opened.
    async fn next(&mut self, max: usize) -> Read;

    /// Reads events again that were returned before. Leaves out lost events. An unsettled event is lost only if it
    /// became too old or is damaged.
    async fn fetch(&mut self, positions: &[Position]) -> Vec<Entry>;

    /// Reads at most `max` events that came back from the dead letters, after a position in their own order (0 begins).
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn returned(&mut self, after: Position, max: usize) -> Result<Returned, JournalError>;

    /// True if the sink's dead letters have reached their quota, so that it must not make another one. `uncommitted` is
    /// the size of its uncommitted letters in bytes.
    fn dead_letters_full(&self, uncommitted: u64) -> bool;

    /// Counts the events that this reader has still to hand out, as far as they can be read; `returned_after` is the
    /// last event that [`Reader::returned`] handed out.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be counted.
    async fn ahead(&mut self, returned_after: Position) -> Result<Ahead, JournalError>;

    /// Queues a change of the sink's state and returns at once. Commits are merged and written soon, in order, each
    /// atomically. [`Reader::flush`] waits for them.
    fn commit(&mut self, commit: Commit);

    /// Returns when everything committed is durable.
    async fn flush(&mut self);

    /// Returns the time for which the oldest commit has been waiting for servers elsewhere. What is sent meanwhile goes out
    /// again if the process ends before it is written. Zero for a journal on this machine.
    fn behind(&self) -> Duration {
        Duration::ZERO
    }
}

/// The result of a read.
#[derive(Debug)]
pub enum Read {
    /// At least one event, in order.
    Events(Vec<Entry>),
    /// Events that cannot be read any more (a corrupt frame or file, reported in the log).
    Lost(Lost),
    /// Another reader of the sink was opened, here or on another machine. Commits of this one have no effect.
    Revoked,
    /// The journal is closed and read to its end.
    End,
}

/// Where a reader goes on.
#[derive(Debug, Clone, Default)]
pub struct Resumed {
    /// The progress committed last.
    pub progress: Progress,
    /// Events that were moved out of the log's way.
    pub parked: Vec<Parked>,
    /// The number of events that came back from the dead letters and wait; [`Reader::returned`] hands them out.
    pub returned: u64,
    /// The number of events from the cursor on that the sink is owed and `progress` has not settled, by source. The sink's
    /// pending events are these, `parked` and `returned`.
    pub unread: Vec<(String, u64)>,
    /// The number of events that came for the sink since `unread` was counted.
    pub arrivals: Arrivals,
    /// Events that turned out to be lost; `progress` has settled them, and counts them as rejected under the code of
    /// the loss.
    pub lost: Vec<Lost>,
    /// The record of which events from the reader the sink is owed.
    pub owed: Owed,
    /// The erasures that the sink has to obey.
    pub erasures: Arc<ErasureList>,
    /// The present name of each mapping that histories and dead letters may know under an earlier name.
    pub mappings: BTreeMap<String, String>,
}

/// See [`Reader::ahead`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Events in the log, by source.
    pub unread: Vec<(String, u64)>,
    /// Events that came back from the dead letters.
    pub returned: u64,
    /// The value of [`Resumed::arrivals`] at which they were counted.
    pub arrived: u64,
}

/// See [`Reader::returned`].
#[derive(Debug, Default)]
pub struct Returned {
    /// The events, in the order in which they came back.
    pub events: Vec<Parked>,
    /// The positions of damaged events.
    pub unreadable: Vec<Position>,
    /// True if there are more events after these.
    pub more: bool,
}

impl Returned {
    /// The position after which the next page begins.
    pub fn last(&self) -> Option<Position> {
        let read = self.events.iter().map(|parked| parked.position);
        read.chain(self.unreadable.iter().copied()).max()
    }
}
