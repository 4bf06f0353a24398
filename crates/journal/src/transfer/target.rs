//! The new journal, and what an earlier copy that was cut off has appended to it.
//!
//! A copy appends the events of an old journal always in the same order. So those that the new journal holds already must be the
//! first ones of that order, one by one, without those that it took for duplicates. A copy that finds them takes their places
//! over, and appends the rest.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use signalbox_core::Event;

use crate::{AppendError, Appended, Entry, Journal, JournalError, Position, TransferError};

/// The new journal.
pub(super) struct Target<'j> {
    pub(super) journal: &'j dyn Journal,
    /// The earlier copy's events that were read and not met yet.
    read: VecDeque<Entry>,
    /// Where the next ones are, and where they end.
    next: Position,
    end: Position,
    /// The number of events that were met.
    found: u64,
    /// Hashes of the ids of events that were met.
    ids: HashSet<u64>,
}

impl<'j> Target<'j> {
    /// Begins with the events that the journal holds now.
    pub(super) async fn new(journal: &'j dyn Journal) -> Result<Target<'j>, JournalError> {
        let held = journal.find(i64::MAX).await?;
        Ok(Target {
            journal,
            read: VecDeque::new(),
            next: held.from,
            end: held.to,
            found: 0,
            ids: HashSet::new(),
        })
    }

    /// Returns the number of events that an earlier copy had appended.
    pub(super) fn found(&self) -> u64 {
        self.found
    }

    /// Appends events of one source, but for those that an earlier copy has appended.
    pub(super) async fn append(&mut self, events: Vec<Event>) -> Result<Vec<Appended>, TransferError> {
        let mut fates = Vec::with_capacity(events.len());
        let mut rest = Vec::new();
        for event in events {
            match self.former(&event).await? {
                Some(fate) => fates.push(fate),
                None => rest.push(event),
            }
        }
        if !rest.is_empty() {
            let appended = self.journal.append(rest).await.map_err(|error| match error {
                AppendError::Full { .. } => JournalError(
                    "the new journal is full: raise its max_bytes to that of the old one, or to the size of its folder, and call the \
                     command again"
                        .into(),
                ),
                error => JournalError(error.to_string()),
            });
            fates.extend(appended?);
        }
        Ok(fates)
    }

    /// Returns what became of an event in an earlier copy; `None` if that copy did not come so far.
    async fn former(&mut self, event: &Event) -> Result<Option<Appended>, TransferError> {
        let Some(next) = self.peek().await? else {
            return Ok(None);
        };
        if same(&next.event, event) {
            let position = next.position;
            self.read.pop_front();
            self.found += 1;
            self.ids.extend(hash(event));
            return Ok(Some(Appended::Stored(position)));
        }
        if hash(event).is_some_and(|id| self.ids.contains(&id)) {
            return Ok(Some(Appended::Duplicate));
        }
        Err(TransferError::CannotResume(format!(
            "event {} of the new journal is not the one that follows in the old journal",
            self.found + 1
        )))
    }

    /// Returns the earlier copy's next event.
    async fn peek(&mut self) -> Result<Option<&Entry>, JournalError> {
        while self.read.is_empty() && self.next < self.end {
            let (events, next) = self.journal.events_from(self.next).await?;
            self.next = next;
            let end = self.end;
            self.read
                .extend(events.into_iter().filter(|entry| entry.position < end));
        }
        Ok(self.read.front())
    }

    /// Checks that the journal holds no other events than these, if an earlier copy had appended some of them: a message of it
    /// may have come late.
    pub(super) async fn check(&self, events: u64) -> Result<(), TransferError> {
        if self.found == 0 {
            return Ok(());
        }
        let held = self.journal.find(i64::MAX).await?;
        let there = self.journal.count(held.from, held.to).await?;
        if there == events {
            return Ok(());
        }
        Err(TransferError::CannotResume(format!(
            "the new journal holds {there} events, and {events} were copied"
        )))
    }
}

/// True if two events are the same in all that a journal keeps.
fn same(one: &Event, other: &Event) -> bool {
    one.message_id() == other.message_id()
        && one.receipt() == other.receipt()
        && one.facts() == other.facts()
        && one.to_json() == other.to_json()
}

/// Hashes the id of an event, with its source; `None` if it has none.
fn hash(event: &Event) -> Option<u64> {
    let id = event.message_id();
    let mut hasher = DefaultHasher::new();
    (&*event.receipt().source, id).hash(&mut hasher);
    (!id.is_empty()).then(|| hasher.finish())
}
