//! One sink's view of the log.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::shared::Shared;
use super::state_writer::{StateWriter, ToStateWriter};
use crate::log::scan::Events;
use crate::mutex::lock;
use crate::state::parked;
use crate::state::store::Store;
use crate::{
    Ahead, Arrivals, Commit, Entry, JournalError, Loss, Lost, Parked, Position, Progress, Read, Reader,
    Returned,
};

/// The pause before a refused read is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The number of tries to fetch an event again; the caller then goes on without it.
const FETCHES: u32 = 3;
/// Every tenth failed try is logged.
const REPORT_EVERY: u32 = 10;

pub(crate) struct DiskReader {
    pub(crate) shared: Arc<Shared>,
    pub(crate) state_writer: Sender<ToStateWriter>,
    pub(crate) store: Store,
    pub(crate) sink: String,
    pub(crate) generation: u64,
    /// The events appended since this reader was opened, and the flag that a later reader sets.
    pub(crate) arrivals: Arrivals,
    /// Its number in the tail cache.
    pub(crate) number: u64,
    /// The next position to look at.
    pub(crate) at: Position,
    /// Ranges settled before this reader was opened, in order; they are left out.
    pub(crate) settled: VecDeque<(Position, Position)>,
    /// Read and not yet handed out.
    pub(crate) ready: VecDeque<Ready>,
    /// The read under way; kept here so that it survives a cancelled call.
    pub(crate) reading: Option<JoinHandle<Result<Events, JournalError>>>,
    pub(crate) refused: u32,
}

pub(crate) enum Ready {
    Event(Entry),
    Lost(Lost),
}

impl DiskReader {
    /// Skips settled ranges; returns where the next one begins.
    fn skip_settled(&mut self) -> Position {
        while let Some((from, to)) = self.settled.front().copied() {
            if self.at < from {
                return from;
            }
            self.at = self.at.max(to);
            self.settled.pop_front();
        }
        Position::MAX
    }

    /// Hands out events that are ready.
    fn take(&mut self, max: usize) -> Option<Read> {
        if let Some(Ready::Lost(lost)) = self.ready.front() {
            let lost = Read::Lost(*lost);
            self.ready.pop_front();
            return Some(lost);
        }
        let mut entries = Vec::new();
        while entries.len() < max
            && let Some(Ready::Event(entry)) = self.ready.pop_front_if(|item| matches!(item, Ready::Event(_)))
        {
            entries.push(entry);
        }
        (!entries.is_empty()).then_some(Read::Events(entries))
    }

    /// Takes events from the tail cache.
    fn take_cached(&mut self, max: usize) -> Option<Read> {
        let next_settled = self.skip_settled();
        let max = usize::try_from(next_settled - self.at)
            .unwrap_or(usize::MAX)
            .min(max);
        let (entries, gone) = lock(&self.shared.tail_cache).take(self.number, self.at, max);
        drop(gone);
        self.at = entries.last()?.position + 1;
        Some(Read::Events(entries))
    }

    async fn read(&mut self, end: Position) {
        let (shared, at) = (self.shared.clone(), self.at);
        let reading = self
            .reading
            .get_or_insert_with(|| tokio::task::spawn_blocking(move || shared.log.read(at)));
        let events = reading.await;
        self.reading = None;
        match events {
            Ok(Ok(events)) => {
                self.refused = 0;
                self.ready_up(events, end);
            }
            Ok(Err(error)) => {
                if self.refused.is_multiple_of(REPORT_EVERY) {
                    tracing::error!(
                        sink = self.sink,
                        position = self.at,
                        "journal unreadable, trying again: {error}"
                    );
                }
                self.refused += 1;
                tokio::time::sleep(RETRY).await;
            }
            // The runtime is shutting down.
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }

    fn ready_up(&mut self, events: Events, end: Position) {
        match events {
            Events::Some(events) => {
                for (position, event) in events {
                    if position < self.at {
                        continue;
                    }
                    self.at = position;
                    self.skip_settled();
                    if position < self.at {
                        continue;
                    }
                    self.at = position + 1;
                    self.ready.push_back(match event {
                        Some(event) => Ready::Event(Entry {
                            position,
                            event: Arc::new(event),
                        }),
                        None => {
                            tracing::error!(sink = self.sink, position, "journal event does not parse");
                            lost(position, position + 1, Loss::Damaged)
                        }
                    });
                }
            }
            Events::Lost(to, loss) => {
                let from = self.at;
                let to = to.min(end).min(self.skip_settled()).max(from + 1);
                self.at = to;
                self.ready.push_back(lost(from, to, loss));
            }
        }
    }
}

fn lost(from: Position, to: Position, loss: Loss) -> Ready {
    let events = to - from;
    Ready::Lost(Lost {
        from,
        to,
        events,
        loss,
    })
}

#[async_trait]
impl Reader for DiskReader {
    async fn next(&mut self, max: usize) -> Read {
        let max = max.max(1);
        loop {
            if let Some(read) = self.take(max) {
                return read;
            }
            let shared = self.shared.clone();
            let news = shared.news.notified();
            tokio::pin!(news);
            // Registered before looking, so that an append in between is not missed.
            news.as_mut().enable();
            if self.arrivals.is_revoked() {
                return Read::Revoked;
            }
            let complete = shared.complete();
            let end = shared.end();
            self.skip_settled();
            if self.at < end {
                let recent = match self.reading {
                    None => self.take_cached(max),
                    Some(_) => None,
                };
                if let Some(read) = recent {
                    return read;
                }
                self.read(end).await;
            } else if complete {
                return Read::End;
            } else {
                news.await;
            }
        }
    }

    async fn fetch(&mut self, positions: &[Position]) -> Vec<Entry> {
        let (mut entries, mut missing) = (Vec::with_capacity(positions.len()), Vec::new());
        let recent = |position: Position| lock(&self.shared.tail_cache).get(position);
        for position in positions.iter().copied() {
            match recent(position) {
                Some(event) => entries.push(Entry { position, event }),
                None => missing.push(position),
            }
        }
        for left in (0..FETCHES).rev() {
            if missing.is_empty() {
                break;
            }
            let (shared, wanted) = (self.shared.clone(), std::mem::take(&mut missing));
            let picked = tokio::task::spawn_blocking(move || shared.log.pick(&wanted));
            // It is cancelled only when the runtime is shutting down.
            let Ok((found, trouble)) = picked.await else { break };
            entries.extend(found.into_iter().map(|(position, event)| Entry {
                position,
                event: Arc::new(event),
            }));
            if let Some((error, rest)) = trouble {
                tracing::error!(sink = self.sink, left, "journal unreadable: {error}");
                missing = rest;
                tokio::time::sleep(RETRY).await;
            }
        }
        entries
    }

    async fn returned(&mut self, after: Position, max: usize) -> Result<Returned, JournalError> {
        let (store, sink) = (self.store.clone(), self.sink.clone());
        let range = after.saturating_add(1).max(Parked::BACK)..=Position::MAX;
        let reading = tokio::task::spawn_blocking(move || {
            store.read(|txn| parked::read_parked(txn, &sink, range, max))
        });
        let read = reading
            .await
            .map_err(|_| JournalError("reading was cut off".into()))?;
        read.map_err(|trouble| JournalError(format!("state.redb: {}", trouble.text())))
    }

    fn dead_letters_full(&self, uncommitted: u64) -> bool {
        self.shared.letters_full(&self.sink, uncommitted)
    }

    async fn ahead(&mut self, returned_after: Position) -> Result<Ahead, JournalError> {
        let ahead = Progress {
            cursor: self.at,
            settled: self.settled.iter().copied().collect(),
            ..Progress::default()
        };
        let (sink, arrivals) = (self.sink.clone(), self.arrivals.clone());
        let look = move |state_writer: &mut StateWriter| {
            state_writer.ahead(&sink, &ahead, returned_after, &arrivals)
        };
        let (reply, answer) = oneshot::channel();
        let ask = Box::new(move |state_writer: &mut StateWriter| drop(reply.send(look(state_writer))));
        let gone = || JournalError("the journal was shut down".into());
        self.state_writer
            .send(ToStateWriter::Do(ask))
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    fn commit(&mut self, commit: Commit) {
        self.shared.letters_come(&self.sink, &commit.dead_letters);
        let message = ToStateWriter::Commit {
            sink: self.sink.clone(),
            generation: self.generation,
            commit: Box::new(commit),
        };
        if self.state_writer.send(message).is_err() {
            tracing::error!(sink = self.sink, "committed after the journal was shut down");
        }
    }

    async fn flush(&mut self) {
        let (reply, done) = oneshot::channel();
        if self.state_writer.send(ToStateWriter::Flush(reply)).is_ok() {
            let _ = done.await;
        }
    }
}

/// A sink without a reader begins to be an orphan: a reload may have taken it out of the pipeline.
impl Drop for DiskReader {
    fn drop(&mut self) {
        let gone = lock(&self.shared.tail_cache).leave(self.number);
        drop(gone);
        let mut sinks = lock(&self.shared.sinks);
        // Another reader of the same name may have been opened since.
        if let Some(sink) = sinks
            .get_mut(&self.sink)
            .filter(|sink| sink.generation == self.generation)
        {
            sink.opened = false;
            sink.record.last_opened = self.shared.clock.now();
        }
        drop(sinks);
        // The state thread stores back copies of the sinks that it has written, which may undo this. It repeats the change
        // before its later tasks.
        let (name, generation) = (std::mem::take(&mut self.sink), self.generation);
        let repeat = move |writer: &mut StateWriter| {
            let mut sinks = lock(&writer.shared.sinks);
            if let Some(sink) = sinks.get_mut(&name).filter(|sink| sink.generation == generation) {
                sink.opened = false;
            }
        };
        // The state thread may have ended: the journal is shut down then.
        let _ = self.state_writer.send(ToStateWriter::Do(Box::new(repeat)));
    }
}
