//! The trait of a journal.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use signalbox_core::Event;
use tokio::sync::watch;

use crate::dead_letter::Summing;
use crate::{
    AppendError, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterPage, DeadLetterQuota,
    DeadLetterSummary, Group, JournalError, LetterCounts, Order, Page, Position, Progress, Reader, Refusing,
    Resumed, Roster, SourceTotals, Subscription, Tenures,
};

/// The number of dead letters in one page when they are summed up.
const SUMMED_AT_ONCE: usize = 5_000;

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

    /// Asks for the right to drive these groups of sinks; the journal changes what it gives as routers come and go. A
    /// journal that no other router shares gives all of them at once and never takes one back.
    fn tenures(&self, groups: Vec<Group>) -> watch::Receiver<Tenures> {
        watch::channel(Tenures::all(groups)).1
    }

    /// Takes no more events. Readers go on to the end and then get [`Read::End`](crate::Read::End).
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

    /// Counts the events in `from..to`.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be counted.
    async fn count(&self, from: Position, to: Position) -> Result<u64, JournalError> {
        Ok(to.saturating_sub(from))
    }

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
        let mut sums = Summing::default();
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

/// What became of one appended event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log.
    Stored(Position),
    /// Its id was known.
    Duplicate,
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
