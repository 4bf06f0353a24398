//! One sink's view of a journal in memory.

use async_trait::async_trait;

use super::MemoryJournal;
use crate::ranges;
use crate::sink_record::SinkRecord;
use crate::{
    Ahead, Arrivals, Commit, Entry, JournalError, Loss, Lost, Parked, Position, Progress, Read, Reader,
    Returned,
};

pub(super) struct MemoryReader {
    pub(super) journal: MemoryJournal,
    pub(super) sink: String,
    /// Position of the next entry to hand out.
    pub(super) at: Position,
    /// Left out: settled before this reader was opened.
    pub(super) settled: Vec<(Position, Position)>,
    pub(super) arrivals: Arrivals,
}

impl MemoryReader {
    /// The next entries; `None` if there is nothing new.
    fn take(&mut self, max: usize) -> Option<Read> {
        let state = self.journal.state();
        if self.arrivals.is_revoked() {
            return Some(Read::Revoked);
        }
        let from = self.at;
        if from < state.base {
            self.at = state.base;
            return Some(Read::Lost(Lost {
                from,
                to: self.at,
                events: self.at - from,
                loss: Loss::Aged,
            }));
        }
        let skip = usize::try_from(from - state.base).unwrap_or(usize::MAX);
        let mut entries = Vec::new();
        for (event, _) in state.entries.range(skip.min(state.entries.len())..).take(max) {
            if !ranges::holds(&self.settled, self.at) {
                entries.push(Entry {
                    position: self.at,
                    event: event.clone(),
                });
            }
            self.at += 1;
        }
        if !entries.is_empty() {
            return Some(Read::Events(entries));
        }
        let at_end = self.at == state.end();
        if at_end && state.closed {
            return Some(Read::End);
        }
        // Only settled events were there: look further.
        (!at_end).then(|| Read::Events(Vec::new()))
    }
}

#[async_trait]
impl Reader for MemoryReader {
    async fn next(&mut self, max: usize) -> Read {
        loop {
            let shared = self.journal.0.clone();
            let news = shared.news.notified();
            tokio::pin!(news);
            // Registered before looking, so that an append in between is not missed.
            news.as_mut().enable();
            match self.take(max.max(1)) {
                Some(Read::Events(entries)) if entries.is_empty() => {}
                Some(read) => return read,
                None => news.await,
            }
        }
    }

    async fn fetch(&mut self, positions: &[Position]) -> Vec<Entry> {
        self.journal.state().entries_at(positions)
    }

    async fn ahead(&mut self, returned_after: Position) -> Result<Ahead, JournalError> {
        let state = self.journal.state();
        let Some(sink) = state.sinks.get(&self.sink) else {
            return Ok(Ahead::default());
        };
        let ahead = SinkRecord {
            progress: Progress {
                cursor: self.at,
                settled: self.settled.clone(),
                ..Progress::default()
            },
            ..sink.record.clone()
        };
        let after = returned_after.saturating_add(1).max(Parked::BACK);
        Ok(Ahead {
            unread: state.unread(&ahead),
            returned: sink.parked.range(after..).count() as u64,
            arrived: self.arrivals.count(),
        })
    }

    fn commit(&mut self, commit: Commit) {
        let mut state = self.journal.state();
        let replaced = self.arrivals.is_revoked();
        let Some(sink) = state.sinks.get_mut(&self.sink).filter(|_| !replaced) else {
            return state.bury(commit.dead_letters);
        };
        if let Some(progress) = commit.progress {
            sink.record.progress = progress;
        }
        let parked = commit.park.into_iter();
        sink.parked.extend(parked.map(|parked| (parked.position, parked)));
        for open in commit.parked_open {
            if let Some(parked) = sink.parked.get_mut(&open.position) {
                parked.open = open;
            }
        }
        for position in commit.unpark {
            sink.parked.remove(&position);
        }
        state.bury(commit.dead_letters);
        state.truncate();
    }

    async fn returned(&mut self, after: Position, max: usize) -> Result<Returned, JournalError> {
        let state = self.journal.state();
        let mut returned = Returned::default();
        if let Some(sink) = state.sinks.get(&self.sink) {
            let mut waiting = sink.parked.range(after.saturating_add(1).max(Parked::BACK)..);
            returned.events = waiting
                .by_ref()
                .take(max)
                .map(|(_, parked)| parked.clone())
                .collect();
            returned.more = waiting.next().is_some();
        }
        Ok(returned)
    }

    fn dead_letters_full(&self, uncommitted: u64) -> bool {
        let state = self.journal.state();
        !state.quota.drops(&self.sink) && {
            let kept = state.letter_counts.get(&self.sink);
            kept.map_or(0, |counts| counts.bytes) + uncommitted >= state.quota.bytes(&self.sink)
        }
    }

    async fn flush(&mut self) {}
}
