//! The traits of a journal. A journal is written as three parts: the [`Log`] of events, the [`States`] of sinks and
//! sources, and their dead [`Letters`]. Whatever implements these is a [`Journal`].
//!
//! Methods with a body have an answer that suits most journals. A journal on one machine needs none of `count`,
//! `tenures` and `refusing`; one whose positions have gaps, or which several routers share, needs the first two.
//!
//! | the router | calls |
//! |---|---|
//! | starts, reloads | [`States::adopt`], [`Log::tenures`], [`Log::reader`] for each sink, [`States::all_opened`] |
//! | takes events in | [`Log::append`], [`Letters::bury`], [`States::save_source`], [`States::save_checkpoint`] |
//! | delivers | the [`Reader`] of the sink, which reads events and commits its state with its dead letters |
//! | is asked by its operator | [`States::sinks`], [`Log::find`], [`States::set_progress`], [`States::forget`], [`Letters`] |
//! | stops | [`Log::close`], [`Log::shutdown`] |

use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::Event;
use tokio::sync::watch;

use crate::letters::Letters;
use crate::states::States;
use crate::{AppendError, Group, JournalError, Position, Reader, Refusing, Resumed, Subscription, Tenures};

/// A journal: the log, and the states and dead letters that belong to it.
///
/// What a reader commits changes states and letters at once ([`Reader::commit`]), which is why one value implements all
/// three.
pub trait Journal: Log + States + Letters {}

impl<T: Log + States + Letters> Journal for T {}

/// The log of events.
#[async_trait]
pub trait Log: Send + Sync {
    /// Appends events in order, all or none, and returns when they are kept. Events whose source and `messageId`
    /// are known already (within the deduplication window, or twice in this call) are not stored again.
    ///
    /// # Errors
    /// [`AppendError`]; nothing was kept then, and no id is known by it.
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Appended>, AppendError>;

    /// Opens the reader of a sink where it left off. There is at most one reader of a name at a time; the last one
    /// opened counts, and earlier ones get [`Read::Revoked`](crate::Read::Revoked). From now on the sink is owed the events of the subscription's inputs, in addition to what it was
    /// owed before.
    ///
    /// # Errors
    /// [`JournalError`] if its state cannot be read or written.
    async fn reader(
        &self,
        sink: &str,
        subscription: &Subscription,
    ) -> Result<(Box<dyn Reader>, Resumed), JournalError>;

    /// The first position at or after a moment (Unix milliseconds of arrival) that the journal still holds, and the
    /// range it holds at all (`from..to`).
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    async fn find(&self, arrived_at: i64) -> Result<Found, JournalError>;

    /// Counts the events in `from..to`.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be counted.
    async fn count(&self, from: Position, to: Position) -> Result<u64, JournalError> {
        Ok(to.saturating_sub(from))
    }

    /// Asks for the right to drive these groups of sinks; the journal changes what it gives as routers come and go. A
    /// journal that no other router shares gives all of them at once and never takes one back.
    fn tenures(&self, groups: Vec<Group>) -> watch::Receiver<Tenures> {
        watch::channel(Tenures::all(groups)).1
    }

    /// How full it is.
    fn usage(&self) -> Usage;

    /// The sink that keeps the log from being given back, and where it stands: who has to let go when it is full.
    fn slowest(&self) -> Option<(String, Position)> {
        None
    }

    /// The reason why no events are taken in now, if appends fail for another reason than [`AppendError::Full`].
    fn refusing(&self) -> Option<Refusing> {
        None
    }

    /// The id that tells this journal from any other, for as long as its files last; `None` if it has no files.
    fn id(&self) -> Option<String> {
        None
    }

    /// The time for which nothing had been committed when the journal was opened; [`Duration::MAX`] for a new one,
    /// `None` if it is unknown (in memory, or the state was lost).
    fn idle_before(&self) -> Option<Duration> {
        None
    }

    /// Takes no more events. Readers go on to the end and then get [`Read::End`](crate::Read::End).
    fn close(&self);

    /// Makes everything durable that is not yet, and lets go of the files. Call after all readers have ended.
    async fn shutdown(&self);
}

/// What became of one appended event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log.
    Stored(Position),
    /// Its id was known.
    Duplicate,
}

/// See [`Journal::find`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The first position at or after the moment.
    pub at: Position,
    /// The oldest position held.
    pub from: Position,
    /// The position after the newest.
    pub to: Position,
}

/// How full a journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Events that some sink has not settled.
    pub events: u64,
    /// Bytes they take.
    pub bytes: u64,
    /// Bytes that may be taken.
    pub max_bytes: u64,
}
