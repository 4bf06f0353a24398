//! The log between sources and sinks: one log, read by each sink at its own pace.
//!
//! Sources append; an append that returned is kept as well as the kind of journal promises. Each sink reads
//! with a cursor of its own and tells what it has settled, so a dead destination delays nobody. What every
//! sink has settled may be dropped.
//!
//! [`MemoryJournal`] promises nothing across a restart. [`DiskJournal`] survives kill -9 and power loss from the
//! moment an append returned.

mod dead_letter;
mod dedup;
mod disk;
mod inputs;
mod mappings;
mod memory;
mod names;
mod progress;
mod ranges;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use signalbox_core::Event;

pub use dead_letter::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterId, DeadLetterPage, DeadLetterQuota,
    DeadLetterSummary, LetterCounts, OnFull, Order, Page, SOURCE, StoredLetter,
};
pub use disk::{Compacted, DiskJournal, DiskOptions, decode_frame, encode_frame};
pub use inputs::{Owed, Standing, Subscription};
pub use memory::MemoryJournal;
pub use names::{Named, Roster};
pub use progress::{Commit, Open, Parked, Progress, RecordEnd, SourceTotals, Totals};

/// The number of dead letters in one page when they are summed up.
const SUMMED_AT_ONCE: usize = 5_000;

/// A place in the log: events are numbered in the order in which they were appended, without gaps.
pub type Position = u64;

/// The log.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends events in order, all or none, and returns when they are kept. Events whose source and `messageId`
    /// are known already (within the deduplication window, or twice in this call) are not stored again.
    ///
    /// # Errors
    /// [`AppendError`]; nothing was kept then, and no id is known by it.
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Appended>, AppendError>;

    /// Adopts the pipeline's components, before their sinks are opened: renamed ones take over what the journal keeps
    /// under their old name, and sinks outside the pipeline are owed no further events. Adopting the same components
    /// again changes nothing.
    ///
    /// # Errors
    /// [`JournalError`] if the change cannot be written; nothing has changed then.
    async fn adopt(&self, roster: &Roster) -> Result<(), JournalError>;

    /// Opens the reader of a sink where it left off. There is at most one reader of a name at a time; the last one
    /// opened counts. From now on the sink is owed the events of the subscription's inputs, in addition to what it was
    /// owed before.
    ///
    /// # Errors
    /// [`JournalError`] if its state cannot be read or written.
    async fn reader(
        &self,
        sink: &str,
        subscription: &Subscription,
    ) -> Result<(Box<dyn Reader>, Resumed), JournalError>;

    /// Takes no more events. Readers go on to the end and then get [`Read::End`].
    fn close(&self);

    /// Makes everything durable that is not yet, and lets go of the files. Call after all readers have ended.
    async fn shutdown(&self);

    /// The id that tells this journal from any other, for as long as its files last; `None` if it has no files.
    fn id(&self) -> Option<String> {
        None
    }

    /// How full it is.
    fn usage(&self) -> Usage;

    /// The time for which nothing had been committed when the journal was opened; [`Duration::MAX`] for a new one,
    /// `None` if it is unknown (in memory, or the state was lost).
    fn idle_before(&self) -> Option<Duration> {
        None
    }

    /// The sink that keeps the log from being given back, and where it stands: who has to let go when it is full.
    fn slowest(&self) -> Option<(String, Position)> {
        None
    }

    /// How many appends were refused with [`AppendError::Full`] since the start; when it rises, a sink that may drop
    /// its oldest events does so if it is the slowest.
    fn refusals(&self) -> u64 {
        0
    }

    /// Notes that every sink of the pipeline has been opened. If the journal had lost its records of sinks, names that
    /// it does not know count as new from the next start on; after a start that ends before this call they do not.
    fn all_opened(&self) {}

    /// The number of events that may come again, by sink, if the journal lost its records of sinks and began them anew
    /// since the last clean start.
    fn rebuilt(&self) -> Option<BTreeMap<String, u64>> {
        None
    }

    /// The reason why no events are taken in now, if appends fail for another reason than [`AppendError::Full`].
    fn refusing(&self) -> Option<Refusing> {
        None
    }

    /// Every sink the journal knows, also those no longer configured.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn sinks(&self) -> Result<Vec<SinkState>, JournalError>;

    /// Forgets the events that a sink without a reader is owed, of one source or of all: events that only this sink
    /// held may be dropped. Returns the number of these events; they count as filtered (`forgotten`).
    ///
    /// # Errors
    /// [`JournalError`] if there is no such sink, or the change cannot be written.
    async fn forget(&self, sink: &str, source: Option<&str>) -> Result<u64, JournalError>;

    /// Changes where a sink stands while it has no reader: replay, by moving back what is settled.
    ///
    /// # Errors
    /// [`JournalError`] if that cannot be written.
    async fn set_progress(&self, sink: &str, progress: Progress) -> Result<(), JournalError>;

    /// The first position at or after a moment (Unix milliseconds of arrival) that the journal still holds, and the
    /// range it holds at all (`from..to`).
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    async fn find(&self, arrived_at: i64) -> Result<Found, JournalError>;

    /// Saves the counts of a source; with the next commit, not at once.
    fn save_source(&self, source: &str, totals: SourceTotals);

    /// Returns when the counts given to [`Journal::save_source`] are durable.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be written; the journal tries again by itself.
    async fn save_counts(&self) -> Result<(), JournalError>;

    /// The saved counts of all sources; `journalled` is exact, the others may lack the last second before a crash,
    /// unless [`Journal::save_counts`] was waited for.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn source_totals(&self) -> Result<Vec<(String, SourceTotals)>, JournalError>;

    /// Reads the checkpoints of a source, by key.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn checkpoints(&self, source: &str) -> Result<BTreeMap<String, Vec<u8>>, JournalError>;

    /// Saves a checkpoint of a source, or with `None` removes it. It is written with the next commit, and never before
    /// dead letters that were handed over earlier.
    fn save_checkpoint(&self, source: &str, key: &str, value: Option<Vec<u8>>);

    /// Returns when all earlier checkpoints and dead letters are durable.
    async fn flush(&self);

    /// Reads a page of the dead letters that match. This takes a bounded time and a few megabytes, however many letters
    /// there are, and waits for no write.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn dead_letter_page(
        &self,
        filter: &DeadLetterFilter,
        page: Page,
    ) -> Result<DeadLetterPage, JournalError>;

    /// Dead letters that match, newest first, at most so many.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: usize,
    ) -> Result<Vec<(DeadLetterId, DeadLetter)>, JournalError> {
        let mut all = Vec::new();
        let mut after = None;
        while all.len() < limit {
            let page = Page {
                after,
                order: Order::NewestFirst,
                limit: limit - all.len(),
                payloads: true,
            };
            let found = self.dead_letter_page(filter, page).await?;
            all.extend(found.letters.into_iter().map(|stored| (stored.id, stored.letter)));
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// Counts the dead letters that match, by component, reason and mapping.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn dead_letter_summary(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<DeadLetterSummary, JournalError> {
        let mut sums = dead_letter::Summing::default();
        let mut page = Page {
            limit: SUMMED_AT_ONCE,
            ..Page::default()
        };
        loop {
            let found = self.dead_letter_page(filter, page).await?;
            found.letters.into_iter().for_each(|stored| sums.add(stored));
            page.after = found.next;
            if page.after.is_none() {
                return Ok(sums.done());
            }
        }
    }

    /// Returns the counts of dead letters for each component that ever had any; reads from memory.
    fn letter_counts(&self) -> BTreeMap<String, LetterCounts>;

    /// The quota of dead letters.
    fn dead_letter_quota(&self) -> DeadLetterQuota;

    /// Returns the counts of a component's dead letters; reads from memory.
    fn letters_of(&self, component: &str) -> LetterCounts {
        let counts = self.letter_counts().remove(component);
        counts.unwrap_or_else(|| LetterCounts {
            max_bytes: self.dead_letter_quota().bytes(component),
            ..LetterCounts::default()
        })
    }

    /// The time for which changes of the journal's state have been waiting to be written: its counts are that old.
    fn behind(&self) -> Duration {
        Duration::ZERO
    }

    /// How many dead letters there are, by component.
    fn dead_letter_counts(&self) -> Vec<(String, u64)> {
        let counts = self.letter_counts().into_iter();
        let kept = counts.map(|(name, counts)| (name, counts.kept));
        kept.filter(|(_, kept)| *kept > 0).collect()
    }

    /// Adds dead letters that belong to no sink's commit (those of sources), and returns when they are kept. Many calls
    /// at once wait for each other, so that those on their way take a bounded amount of memory.
    ///
    /// # Errors
    /// [`AppendError`], never [`AppendError::Full`]; the letters are not kept then, or of very many only the first
    /// ones, and the caller must not acknowledge them.
    async fn bury(&self, letters: Vec<DeadLetter>) -> Result<(), AppendError>;

    /// Removes dead letters. With `retry`, those of sinks become parked events of their sink in the same commit, and
    /// [`Reader::returned`] hands them out. Returns the number of letters, and of how many the journal still held the
    /// original (the others are retried from the letter's copy; a letter without payload cannot be retried and stays).
    ///
    /// # Errors
    /// [`JournalError`] if that cannot be read or written.
    async fn take_dead_letters(&self, ids: &[DeadLetterId], retry: bool) -> Result<Taken, JournalError>;
}

/// One sink's view of the log.
#[async_trait]
pub trait Reader: Send {
    /// The next events, at most `max`. Waits while there is nothing new. Cancel safe: what it did not return it
    /// returns next time. Positions that the [`Progress`] it was opened with calls settled are left out.
    async fn next(&mut self, max: usize) -> Read;

    /// Events that were handed out before, for a sink that did not keep them and needs some again. Those that cannot
    /// be had any more are left out; while the sink has not settled it, that is an event that became too old, or is
    /// damaged.
    async fn fetch(&mut self, positions: &[Position]) -> Vec<Entry>;

    /// Reads at most `max` events that came back from the dead letters, after a position in their own order (0 begins).
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn returned(&mut self, after: Position, max: usize) -> Result<Returned, JournalError>;

    /// True if the sink has as many dead letters as it may keep, and must not make another one; `uncommitted` is the
    /// size of those that it has not committed yet, in bytes.
    fn dead_letters_full(&self, uncommitted: u64) -> bool;

    /// Counts the events that this reader has still to hand out, as far as they can be read; `returned_after` is the
    /// last event that [`Reader::returned`] handed out.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be counted.
    async fn ahead(&mut self, returned_after: Position) -> Result<Ahead, JournalError>;

    /// Tells what is settled. Returns at once: commits are merged and written soon, one after the other, each
    /// atomically. [`Reader::flush`] waits for them.
    fn commit(&mut self, commit: Commit);

    /// Returns when everything committed is durable.
    async fn flush(&mut self);
}

/// What a reader gets.
#[derive(Debug)]
pub enum Read {
    /// At least one event, in order.
    Events(Vec<Entry>),
    /// Events that cannot be read any more (a corrupt frame or file, reported in the log): the range `from..to`.
    Lost {
        /// The first.
        from: Position,
        /// The one after the last.
        to: Position,
        /// The reason for the loss.
        loss: Loss,
    },
    /// The journal is closed and read to its end.
    End,
}

/// Events of the log that are lost: `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// The first lost position.
    pub from: Position,
    /// The position after the last lost one.
    pub to: Position,
    /// The reason for the loss.
    pub loss: Loss,
}

/// The reason why events of the log are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// A file is missing, or has lost its end or all it held.
    Missing,
    /// The file does not contain what was written.
    Damaged,
    /// The events became older than the log keeps them.
    Aged,
}

impl Loss {
    /// The stable code, for counts and dead letters.
    pub fn code(self) -> &'static str {
        match self {
            Loss::Missing => "journal_file_missing",
            Loss::Damaged => "journal_unreadable",
            Loss::Aged => "journal_max_age",
        }
    }

    /// The phrase that tells people what happened to the events.
    pub fn told(self) -> &'static str {
        match self {
            Loss::Missing => "the journal's file with them is missing or cut short",
            Loss::Damaged => "the journal cannot read them",
            Loss::Aged => "they were older than the journal keeps events",
        }
    }
}

/// One event in the log. Sinks reading the same event share its parsed form while they keep pace.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place.
    pub position: Position,
    /// The event.
    pub event: Arc<Event>,
}

/// What became of one appended event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log.
    Stored(Position),
    /// Its id was known.
    Duplicate,
}

/// The place where a sink starts that the journal does not know yet, and with sources that are added to its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With what comes from now on.
    #[default]
    End,
    /// With the oldest event still held.
    Beginning,
}

/// Where a reader goes on.
#[derive(Debug, Clone, Default)]
pub struct Resumed {
    /// What was committed last.
    pub progress: Progress,
    /// Events that were moved out of the log's way.
    pub parked: Vec<Parked>,
    /// The number of events that came back from the dead letters and wait; [`Reader::returned`] hands them out.
    pub returned: u64,
    /// The number of events from the cursor on that the sink is owed and `progress` has not settled, by source; with
    /// `parked` and `returned` they are what is pending.
    pub unread: Vec<(String, u64)>,
    /// Events that turned out to be lost; `progress` has settled them, and counts them as rejected under the code of
    /// the loss.
    pub lost: Vec<Lost>,
    /// The record of which events from the reader the sink is owed.
    pub owed: Owed,
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

/// A sink as the journal knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkState {
    /// Its name.
    pub name: String,
    /// What was committed last.
    pub progress: Progress,
    /// Parked events.
    pub parked: u64,
    /// The number of events in the log that the sink is owed and has not settled, by source.
    pub unread: Vec<(String, u64)>,
    /// The sources among them that were not among the sink's inputs under any name when it was last opened.
    pub removed: Vec<String>,
    /// The present names of those sources that were renamed.
    pub renamed: BTreeMap<String, String>,
    /// Unix milliseconds of the arrival of its oldest unsettled event; `None` if there is none.
    pub oldest_pending: Option<i64>,
    /// Unix milliseconds when it was last opened.
    pub last_opened: i64,
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

/// See [`Journal::take_dead_letters`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// Removed.
    pub removed: u64,
    /// Letters to be retried with the original that the journal still held.
    pub from_journal: u64,
    /// Letters to be retried with the payload that the letter kept.
    pub from_letter: u64,
    /// Not removed: to be retried, but nothing is left to retry.
    pub without_payload: u64,
    /// The number of events that return to their sink to be retried, by sink.
    pub returned: Vec<(String, u64)>,
}

impl Taken {
    /// Adds the counts of a later removal.
    pub fn add(&mut self, more: Taken) {
        self.removed += more.removed;
        self.from_journal += more.from_journal;
        self.from_letter += more.from_letter;
        self.without_payload += more.without_payload;
        for (sink, count) in more.returned {
            match self.returned.iter_mut().find(|(name, _)| *name == sink) {
                Some((_, sum)) => *sum += count,
                None => self.returned.push((sink, count)),
            }
        }
    }
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
    /// The disk refused.
    #[error(transparent)]
    Failed(#[from] JournalError),
}

/// What went wrong with a file, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

/// See [`Journal::refusing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusing {
    /// The sentence for people, with the place and the remedy.
    pub why: String,
    /// True if the journal's files were deleted or replaced: only a restart helps, and events not delivered by then are
    /// lost.
    pub until_restart: bool,
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
