//! A sink's part of the events, and its state in the new journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::events::Places;
use crate::{
    Commit, ERASED, Entry, Journal, JournalError, Loss, Open, Parked, Position, Progress, Reader, SendAgain,
    SinkState, Start, Subscription,
};

/// Parked events that are read and written together.
const PAGE: usize = 200;

/// A sink whose state is copied.
pub(super) struct CopiedSink {
    old: SinkState,
    reader: Box<dyn Reader>,
    /// The sources of which it is owed events, by their old names.
    sources: BTreeSet<String>,
    /// The new place of the first event that it has not settled.
    cursor: Option<Position>,
    /// Ranges of settled events beyond, in order.
    settled: Vec<(Position, Position)>,
    /// True if the last event of its sources was a settled one.
    in_range: bool,
    /// Unsettled events that found an event with their id in the new journal.
    doubles: Vec<Arc<signalbox_core::Event>>,
    /// The number of its unsettled events that the old journal could read, erased ones included.
    found: u64,
    erased: u64,
    lost: u64,
}

impl CopiedSink {
    /// Opens the sink in the new journal, before it holds an event: a journal keeps only events that a sink waits for.
    pub(super) async fn open(old: SinkState, to: &dyn Journal) -> Result<CopiedSink, JournalError> {
        let sources: BTreeSet<String> = old.owed.sources().map(str::to_owned).collect();
        let present = |source: &String| old.renamed.get(source).unwrap_or(source).clone();
        let inputs: Vec<String> = sources.iter().map(present).collect();
        let subscription = Subscription {
            orphan: inputs.is_empty(),
            inputs,
            start: Start::Beginning,
            mappings: BTreeMap::new(),
        };
        let (reader, _) = to.reader(&old.name, &subscription).await?;
        Ok(CopiedSink {
            old,
            reader,
            sources,
            cursor: None,
            settled: Vec::new(),
            in_range: false,
            doubles: Vec::new(),
            found: 0,
            erased: 0,
            lost: 0,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.old.name
    }

    pub(super) fn old_cursor(&self) -> Position {
        self.old.progress.cursor
    }

    /// Returns the present name of a source that was renamed.
    pub(super) fn present_name(&self, source: &str) -> Option<&str> {
        self.old.renamed.get(source).map(String::as_str)
    }

    fn awaits(&self, entry: &Entry) -> bool {
        self.old.awaits(entry.position, &entry.event.receipt().source)
    }

    /// Notes the new place of an event.
    pub(super) fn note(&mut self, entry: &Entry, new: Position) {
        if self.awaits(entry) {
            self.found += 1;
            self.cursor.get_or_insert(new);
            self.in_range = false;
        } else if self.cursor.is_some() && self.sources.contains(&*entry.event.receipt().source) {
            match self.settled.last_mut().filter(|_| self.in_range) {
                Some((_, to)) => *to = new + 1,
                None => self.settled.push((new, new + 1)),
            }
            self.in_range = true;
        }
    }

    /// Notes that the old journal cannot read the event at a position; its source is unknown then.
    pub(super) fn lose(&mut self, position: Position) {
        let mut sources = self.sources.iter();
        if sources.any(|source| self.old.awaits(position, source)) {
            self.lost += 1;
        }
    }

    /// Keeps an event that the new journal takes for one that it has.
    pub(super) fn keep(&mut self, entry: &Entry) {
        if self.awaits(entry) {
            self.found += 1;
            self.doubles.push(entry.event.clone());
        }
    }

    /// Notes that an event is erased.
    pub(super) fn erase(&mut self, entry: &Entry) {
        if self.awaits(entry) {
            self.found += 1;
            self.erased += 1;
        }
    }

    /// Returns the progress in the new journal.
    fn progress(&self, places: &Places, end: Position) -> Progress {
        let mut totals = self.old.progress.totals.clone();
        for (counts, code, count) in [
            (&mut totals.filtered, ERASED, self.erased),
            (&mut totals.rejected, Loss::Damaged.code(), self.lost),
        ] {
            if count > 0 {
                *counts.entry(code.to_owned()).or_default() += count;
            }
        }
        let open = self.old.progress.open.iter();
        Progress {
            cursor: self.cursor.unwrap_or(end),
            settled: self.settled.clone(),
            open: open.filter_map(|open| moved(open, places)).collect(),
            totals,
        }
    }

    /// Writes the sink's state, and returns how many of its pending events should be there.
    pub(super) async fn write(
        mut self,
        from: &dyn Journal,
        to: &dyn Journal,
        places: &Places,
    ) -> Result<Written, JournalError> {
        let end = to.find(i64::MAX).await?.to;
        self.take_back().await?;
        self.commit(places, end).await;
        let name = self.old.name.clone();
        let doubles = std::mem::take(&mut self.doubles);
        let mut again: Vec<SendAgain> = doubles.into_iter().map(|event| once_more(event, None)).collect();
        let (mut next, mut parked) = (0, 0);
        loop {
            let page = from.parked(&name, next, PAGE).await?;
            let last = page.last();
            parked += page.events.len() as u64;
            self.lost += page.unreadable.len() as u64;
            park(&mut *self.reader, page.events, places, &mut again).await;
            match last.filter(|_| page.more) {
                Some(last) => next = last + 1,
                None => break,
            }
            if again.len() >= PAGE {
                to.send_again(&name, std::mem::take(&mut again)).await?;
            }
        }
        if self.found + parked + self.lost < self.old.pending() {
            return Err(JournalError(format!(
                "the old journal counts {} pending events of the sink {name}, and holds only {}; report this as a bug",
                self.old.pending(),
                self.found + parked + self.lost
            )));
        }
        // With the parked events that turned out to be unreadable.
        self.commit(places, end).await;
        drop(self.reader);
        to.send_again(&name, again).await?;
        Ok(Written {
            pending: self.found + parked - self.erased,
            erased: self.erased,
            lost: self.lost,
            name,
        })
    }

    /// Removes the events that an earlier copy has sent again: they have no places by which this copy would find them.
    async fn take_back(&mut self) -> Result<(), JournalError> {
        let mut after = 0;
        loop {
            let page = self.reader.returned(after, PAGE).await?;
            let last = page.last();
            let events = page.events.iter().map(|parked| parked.position);
            self.reader.commit(Commit {
                unpark: events.chain(page.unreadable).collect(),
                ..Commit::default()
            });
            self.reader.flush().await;
            match last.filter(|_| page.more) {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }

    async fn commit(&mut self, places: &Places, end: Position) {
        let progress = Some(self.progress(places, end));
        self.reader.commit(Commit {
            progress,
            ..Commit::default()
        });
        self.reader.flush().await;
    }
}

/// A sink whose state is written.
pub(super) struct Written {
    pub(super) name: String,
    /// Its pending events.
    pub(super) pending: u64,
    pub(super) erased: u64,
    pub(super) lost: u64,
}

/// Parks events at their new places. Events without a place, and events back from the dead letters, are added to `again`.
async fn park(reader: &mut dyn Reader, events: Vec<Parked>, places: &Places, again: &mut Vec<SendAgain>) {
    let mut park = Vec::new();
    for parked in events {
        let place = (parked.position < Parked::BACK)
            .then(|| places.of(parked.position))
            .flatten();
        match place {
            Some(position) => park.push(Parked {
                position,
                open: Open {
                    position,
                    ..parked.open
                },
                ..parked
            }),
            None => again.push(once_more(parked.event, parked.only)),
        }
    }
    reader.commit(Commit {
        park,
        ..Commit::default()
    });
    reader.flush().await;
}

fn once_more(event: Arc<signalbox_core::Event>, only: Option<String>) -> SendAgain {
    SendAgain {
        event,
        place: None,
        only,
        letters: Vec::new(),
    }
}

/// Returns the history of an event at its new place.
fn moved(open: &Open, places: &Places) -> Option<Open> {
    Some(Open {
        position: places.of(open.position)?,
        ..open.clone()
    })
}
