//! The log between sources and sinks: one log, read by each sink at its own pace.
//!
//! Sources append; an append that returned is kept as well as the kind of journal promises. Each sink reads
//! with a cursor of its own and settles what it is done with, so a dead destination delays nobody. What every
//! sink has settled is dropped.
//!
//! There is one kind so far: [`MemoryJournal`], which promises nothing across a restart.

mod memory;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::Event;

pub use memory::MemoryJournal;

/// A place in the log: events are numbered from 0 in the order in which they were appended.
pub type Position = u64;

/// The log.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends events in order, all or none, and returns when they are kept.
    ///
    /// # Errors
    /// [`AppendError`]; nothing was kept then.
    async fn append(&self, events: Vec<Event>) -> Result<(), AppendError>;

    /// A reader with a cursor of this name, starting at what the name has not settled yet (for a new name:
    /// at the end). Readers made before the first append see everything.
    fn reader(&self, name: &str) -> Box<dyn Reader>;

    /// Takes no more events. Readers go on to the end and then get nothing.
    fn close(&self);

    /// How full it is.
    fn usage(&self) -> Usage;
}

/// One sink's view of the log.
#[async_trait]
pub trait Reader: Send {
    /// The next events, at least one and at most `max`; none means the log is closed and read to its end.
    /// Waits while there is nothing new. Cancel safe: what it did not return it returns next time.
    async fn next(&mut self, max: usize) -> Vec<Entry>;

    /// Everything before this position is settled and never needed again by this reader.
    fn settle_before(&mut self, position: Position);
}

/// One event in the log. Sinks reading the same event share its parsed form.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place.
    pub position: Position,
    /// The event.
    pub event: Arc<Event>,
}

/// Why events were not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No room until a sink has settled more.
    #[error("the journal is full")]
    Full {
        /// When to try again.
        retry_after: Duration,
    },
    /// It is closed.
    #[error("the journal is closed")]
    Closed,
}

/// How full a journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Events kept.
    pub events: u64,
    /// Bytes they take.
    pub bytes: u64,
    /// Bytes that may be taken.
    pub max_bytes: u64,
}
