//! The traits of a journal. A journal is written as four parts: the [`Log`] of events, the [`States`] of sinks and
//! sources, their dead [`Letters`], and the [`Erasures`]. A type that implements all four is a [`Journal`].
//!
//! Methods with a body have an answer that suits most journals. A journal on one machine needs none of `count`,
//! `tenures` and `refusing`; one whose positions have gaps, or which several routers share, needs the first two.
//!
//! | the router | calls |
//! |---|---|
//! | starts, reloads | [`States::adopt`], [`Log::report`], [`Log::tenures`], [`Log::reader`] for each sink, [`States::all_opened`] |
//! | takes events in | [`Log::append`], [`Letters::bury`], [`States::save_source`], [`States::save_checkpoint`] |
//! | delivers | the [`Reader`] of the sink, which reads events and commits its state with its dead letters |
//! | gives sinks to other routers | [`Log::release`]; at a stop [`Log::resign`] first |
//! | serves its operator | [`Log::nodes`], [`Log::ask`], [`States::sinks`], [`Log::find`], [`Log::events_at`], [`States::set_progress`], [`States::forget`], [`Letters`], [`Erasures`] |
//! | stops | [`Log::close`], [`Log::shutdown`] |

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::Event;
use tokio::sync::watch;

use crate::erasures::Erasures;
use crate::letters::Letters;
use crate::states::States;
use crate::{
    Answers, AppendError, Asked, Entry, Group, JournalError, KeyId, Node, NodeReport, Position, Reader,
    Refusing, Resumed, Subscription, Tenures,
};

/// The most events that [`Log::events_from`] reads in a journal whose positions have no gaps.
const READ_AT_ONCE: u64 = 1_000;

/// A journal: the log, and the states, dead letters and erasures that belong to it.
///
/// One value implements all four, since a commit of a reader ([`Reader::commit`]) changes states and letters together.
pub trait Journal: Log + States + Letters + Erasures {}

impl<T: Log + States + Letters + Erasures> Journal for T {}

/// The log of events.
#[async_trait]
pub trait Log: Send + Sync {
    /// Appends events in order, all or none, and returns when they are kept. A journal on NATS keeps only the order within each
    /// source, and all or none of a source's events if they fit into a message of the servers. Events whose source and `messageId`
    /// are known already (within the deduplication window, or twice in this call) are not stored again.
    ///
    /// # Errors
    /// [`AppendError`]; nothing was kept then, and no id is known by it.
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Appended>, AppendError>;

    /// Opens the reader of a sink where it left off. There is at most one reader of a name at a time; the last one
    /// opened counts, and earlier ones get [`Read::Revoked`](crate::Read::Revoked). From now on the sink is owed the
    /// events of the subscription's inputs, in addition to its earlier claims.
    ///
    /// # Errors
    /// [`JournalError`] if its state cannot be read or written.
    async fn reader(
        &self,
        sink: &str,
        subscription: &Subscription,
    ) -> Result<(Box<dyn Reader>, Resumed), JournalError>;

    /// Makes a sink known to a journal that several routers share, before any of them may open its reader: the sink is owed the
    /// events from now on. A sink that is known stays as it is. Other journals do nothing, since their sinks are opened before
    /// sources start.
    ///
    /// # Errors
    /// [`JournalError`] if its state cannot be written.
    async fn register(&self, _sink: &str, _subscription: &Subscription) -> Result<(), JournalError> {
        Ok(())
    }

    /// Finds the first held position whose event arrived at or after a moment (Unix milliseconds). Also returns the range
    /// that the journal holds.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    async fn find(&self, arrived_at: i64) -> Result<Found, JournalError>;

    /// Reads the events at these positions, which are in order. Leaves out events that the journal no longer holds.
    ///
    /// # Errors
    /// [`JournalError`] if the log cannot be read.
    async fn events_at(&self, positions: &[Position]) -> Result<Vec<Entry>, JournalError>;

    /// Reads some events in order, from a position on, and returns the position at which the next ones begin. Leaves out events
    /// that cannot be read.
    ///
    /// # Errors
    /// [`JournalError`] if the log cannot be read.
    async fn events_from(&self, from: Position) -> Result<(Vec<Entry>, Position), JournalError> {
        let end = self.find(i64::MAX).await?.to;
        let next = from.saturating_add(READ_AT_ONCE).min(end).max(from);
        let positions: Vec<Position> = (from..next).collect();
        Ok((self.events_at(&positions).await?, next))
    }

    /// Counts the events in `from..to`.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be counted.
    async fn count(&self, from: Position, to: Position) -> Result<u64, JournalError> {
        Ok(to.saturating_sub(from))
    }

    /// Requests the right to drive these groups of sinks. The tenures change as routers come and go. A journal that no
    /// other router shares grants all of them at once and never revokes one.
    fn tenures(&self, groups: Vec<Group>) -> watch::Receiver<Tenures> {
        watch::channel(Tenures::all(groups)).1
    }

    /// Requests no further right to drive sinks, since this router stops: groups that it releases go to others. Its present
    /// rights stay until they are released. Appends go on until [`Log::close`].
    fn resign(&self) {}

    /// Returns the right to drive these sinks, whose readers have ended and committed, so that another router may drive
    /// them at once. A group changes hands when all of its sinks are released.
    fn release(&self, _sinks: &[Arc<str>]) {}

    /// Returns the right to drive these sinks, as [`Log::release`] does, since this router cannot open all of them: for some
    /// minutes it leaves their group to other routers, and takes it again only if none does within `takeover`.
    fn decline(&self, sinks: &[Arc<str>]) {
        self.release(sinks);
    }

    /// Tells the other routers about this one. The journal repeats the last report while it is open.
    fn report(&self, _report: NodeReport) {}

    /// Returns the routers that share the journal and were heard within the last 30 s, this one included, by name. Empty
    /// for a journal that no other router can share.
    fn nodes(&self) -> Vec<Node> {
        Vec::new()
    }

    /// Asks other routers of [`Log::nodes`], by their names. Returns when all have answered, or after `patience`. A journal
    /// that no other router can share asks nobody.
    async fn ask(&self, _questions: Vec<(String, Vec<u8>)>, _patience: Duration) -> Vec<Asked> {
        Vec::new()
    }

    /// Sets what answers the questions of other routers. The first call counts.
    fn answer_with(&self, _answers: Arc<dyn Answers>) {}

    /// True if other routers can share the journal. Then each router drives only the sinks of its [`Log::tenures`], and
    /// readers end as soon as the journal is closed, since the other routers go on appending.
    fn is_shared(&self) -> bool {
        !self.nodes().is_empty()
    }

    /// True while the work that one router does for all is this router's, such as making dead letters of the events of
    /// removed sinks. Always true for a journal that no other router shares.
    fn tends(&self) -> bool {
        true
    }

    /// Returns the journal's fill level.
    fn usage(&self) -> Usage;

    /// Returns the sink that holds the oldest part of the log, and its position. When the journal is full, this sink must
    /// settle or drop events before space comes back.
    fn slowest(&self) -> Option<(String, Position)> {
        None
    }

    /// Returns the reason why appends fail now, if it is another one than [`AppendError::Full`].
    fn refusing(&self) -> Option<Refusing> {
        None
    }

    /// Describes the encryption of the journal's files, from memory; `None` if it has no files.
    fn sealing(&self) -> Option<Sealing> {
        None
    }

    /// Returns the id of this journal's files; `None` if it has no files.
    fn id(&self) -> Option<String> {
        None
    }

    /// Returns the time for which nothing had been committed when the journal was opened; [`Duration::MAX`] for a new one,
    /// `None` if it is unknown (in memory, or the state was lost).
    fn idle_before(&self) -> Option<Duration> {
        None
    }

    /// Takes no more events. Readers go on to the end and then get [`Read::End`](crate::Read::End); those of a [shared
    /// journal](Log::is_shared) get it at once.
    fn close(&self);

    /// Makes all pending changes durable and closes the files. Call after all readers have ended.
    async fn shutdown(&self);
}

/// The result of appending one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Stored in the log, at this position.
    Stored(Position),
    /// Left out, since its id is known.
    Duplicate,
}

/// See [`Log::find`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The first position at or after the moment.
    pub at: Position,
    /// The oldest position held.
    pub from: Position,
    /// The position after the newest.
    pub to: Position,
}

/// See [`Log::sealing`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sealing {
    /// The operator's keys that files need, `keys.bin` included.
    pub keys: BTreeMap<KeyId, KeyUse>,
    /// The key that encrypts from now on.
    pub newest: Option<KeyId>,
    /// The listed keys that no file needs. Files that are set aside are not looked at.
    pub unneeded: Vec<KeyId>,
    /// True if all that is written now and can hold personal data is encrypted.
    pub sealed: bool,
    /// Bytes of events in files that are not sealed. They leave the disk with their files, once `retain` has passed.
    pub plain_bytes: u64,
    /// Bytes of files with ids in plain. They leave the disk once `dedup_window` has passed.
    pub plain_id_bytes: u64,
    /// Bytes of dead letters in plain.
    pub plain_letter_bytes: u64,
    /// Bytes of unreadable files that are set aside, encrypted or not.
    pub set_aside_bytes: u64,
}

/// The files that need a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// Their number.
    pub files: u64,
    /// Bytes of events in them.
    pub bytes: u64,
}

impl Sealing {
    /// Files under another key than the newest.
    #[must_use]
    pub fn older_key_files(&self) -> u64 {
        let older = self.keys.iter().filter(|(key, _)| Some(**key) != self.newest);
        older.map(|(_, used)| used.files).sum()
    }

    /// Bytes of events, ids and dead letters in plain.
    #[must_use]
    pub fn all_plain_bytes(&self) -> u64 {
        self.plain_bytes + self.plain_id_bytes + self.plain_letter_bytes
    }
}

/// The fill level of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Events that some sink has not settled.
    pub events: u64,
    /// Bytes of these events.
    pub bytes: u64,
    /// The most bytes that such events may take.
    pub max_bytes: u64,
}
