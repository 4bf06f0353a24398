//! The dead letters that a journal keeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use signalbox_core::Event;

use crate::dead_letter::Summing;
use crate::{
    AppendError, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterPage, DeadLetterQuota,
    DeadLetterSummary, JournalError, LetterCounts, Order, Page, Position,
};

/// The number of dead letters in one page when they are summed up.
const SUMMED_AT_ONCE: usize = 5_000;

/// The dead letters of sinks and sources. Those of sinks come with the commits of their readers.
#[async_trait]
pub trait Letters: Send + Sync {
    /// Adds dead letters of sources and returns when they are kept. Concurrent calls take turns, which bounds the memory
    /// of letters that wait to be written.
    ///
    /// # Errors
    /// [`AppendError`], never [`AppendError::Full`]; the letters are not kept then, or of very many only the first
    /// ones, and the caller must not acknowledge them.
    async fn bury(&self, letters: Vec<DeadLetter>) -> Result<(), AppendError>;

    /// Removes dead letters. With `retry`, those of sinks become parked events of their sink in the same commit, and
    /// [`returned`](crate::Reader::returned) hands them out. Letters whose original the journal no longer holds are retried
    /// from their copy; a letter without payload cannot be retried and stays.
    ///
    /// # Errors
    /// [`JournalError`] if that cannot be read or written.
    async fn take_dead_letters(&self, ids: &[DeadLetterId], retry: bool) -> Result<Taken, JournalError>;

    /// Gives events to a sink once more, in one commit: each becomes a parked event, which
    /// [`returned`](crate::Reader::returned) hands out, and its dead letters are removed. An event that the sink has not
    /// settled yet stays as it is, with its dead letters. Returns for each event whether it was given to the sink.
    ///
    /// # Errors
    /// [`JournalError`] if the journal knows no such sink, or cannot be written; nothing has changed then.
    async fn send_again(&self, sink: &str, events: Vec<SendAgain>) -> Result<Vec<bool>, JournalError>;

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

    /// Reads at most `limit` matching dead letters, newest first.
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

    /// Returns the number of dead letters by component.
    fn dead_letter_counts(&self) -> Vec<(String, u64)> {
        let counts = self.letter_counts().into_iter();
        let kept = counts.map(|(name, counts)| (name, counts.kept));
        kept.filter(|(_, kept)| *kept > 0).collect()
    }

    /// Returns the counts of a component's dead letters; reads from memory.
    fn letters_of(&self, component: &str) -> LetterCounts {
        let counts = self.letter_counts().remove(component);
        counts.unwrap_or_else(|| LetterCounts {
            max_bytes: self.dead_letter_quota().bytes(component),
            ..LetterCounts::default()
        })
    }

    /// Returns the quota of dead letters.
    fn dead_letter_quota(&self) -> DeadLetterQuota;
}

/// An event that a sink shall send once more; see [`Letters::send_again`].
#[derive(Debug, Clone)]
pub struct SendAgain {
    /// The event.
    pub event: Arc<Event>,
    /// Its place in the log; `None` if it never was there.
    pub place: Option<Position>,
    /// The one mapping whose record is wanted; `None` means all records of the event.
    pub only: Option<String>,
    /// The dead letters that the event replaces.
    pub letters: Vec<DeadLetterId>,
}

/// See [`Letters::take_dead_letters`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Taken {
    /// Letters removed.
    pub removed: u64,
    /// Letters to be retried with the original that the journal still held.
    pub from_journal: u64,
    /// Letters to be retried with the payload that the letter kept.
    pub from_letter: u64,
    /// Letters that stay: they should be retried, but their event is gone.
    pub without_payload: u64,
    /// The number of events that return to their sink to be retried, by sink.
    #[serde(skip)]
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
