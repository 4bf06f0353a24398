//! One sink's view of a log that several routers share.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::book::key::Key;
use super::book::store::{Refused, Write};
use super::book::values::json;
use super::claims::Unclaimed;
use super::commits::Commits;
use super::journal::{PATIENCE, Shared};
use super::log::frames::Piece;
use crate::mutex::lock;
use crate::names::Names;
use crate::sink_record::SinkRecord;
use crate::{
    Ahead, Arrivals, Commit, Entry, JournalError, Lost, Parked, Position, Progress, Read, Reader, Resumed,
    Returned, Start, Subscription,
};

/// The pause before a refused read is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// The number of tries to fetch an event again; the caller then goes on without it.
const FETCHES: u32 = 5;
/// Openings that are tried again when another router writes the sink's state at the same time.
const TRIES: u32 = 10;
/// The pause before such a try.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct NatsReader {
    shared: Arc<Shared>,
    sink: String,
    record: SinkRecord,
    commits: Commits,
    arrivals: Arrivals,
    /// The next position to look at.
    at: Position,
    /// Ranges settled before this reader was opened, in order; they are left out.
    settled: VecDeque<(Position, Position)>,
    ready: VecDeque<Piece>,
    told: bool,
}

impl Shared {
    /// Opens the reader of a sink. It writes the sink's state, unchanged or as the subscription changes it, over the newest
    /// one: from then on no commit of an earlier reader can be written.
    pub(super) async fn open_reader(
        self: &Arc<Self>,
        sink: &str,
        subscription: &Subscription,
    ) -> Result<(NatsReader, Resumed), JournalError> {
        // Until then duplicates may be unknown.
        self.log.caught_up().await;
        let key = Key::Sink(sink.to_owned());
        let group = self.leases.group_of(sink);
        for _ in 0..TRIES {
            let Unclaimed {
                record,
                sequence,
                names,
            } = self.unclaimed(sink, group.as_deref()).await?;
            let mut opened = self.opened(record, subscription, &names);
            opened.group = group.as_deref().map(str::to_owned).or(opened.group);
            let write = [Write::set(key.clone(), json(&opened)?).over(sequence)];
            match self.store.write_and_read(&write, Instant::now() + PATIENCE).await {
                Ok(sequence) => {
                    let reader = self.resume(sink, opened, sequence).await?;
                    if let Some(group) = &group {
                        self.leases.accept(group);
                    }
                    return Ok(reader);
                }
                Err(Refused::Fenced) => tokio::time::sleep(PAUSE).await,
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(Refused::Fenced.into())
    }

    /// Writes the state of a sink that the journal does not know, or that holds nothing, as its first reader would begin.
    pub(super) async fn register(&self, sink: &str, subscription: &Subscription) -> Result<(), JournalError> {
        let key = Key::Sink(sink.to_owned());
        let (record, sequence, names) = {
            let book = self.store.book();
            let known = book.sinks.get(sink).filter(|_| book.has_sink(sink));
            // The reader of an unreadable one says what to do.
            if book.is_unreadable(sink) || known.is_some_and(|known| !known.record.released) {
                return Ok(());
            }
            let record = known.map(|known| known.record.clone());
            (record, book.sequence(&key), book.names.clone())
        };
        // The end of the log is known by then.
        self.log.caught_up().await;
        let opened = self.opened(record, subscription, &names);
        let write = Write::set(key, json(&opened)?).over(sequence);
        match self
            .store
            .write_and_read(&[write], Instant::now() + PATIENCE)
            .await
        {
            // Another router has just written it.
            Ok(_) | Err(Refused::Fenced) => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Returns the state of a sink as a subscription opens it.
    fn opened(&self, record: Option<SinkRecord>, subscription: &Subscription, names: &Names) -> SinkRecord {
        let held = self.log.held();
        let new_at = record.is_none().then_some(match subscription.start {
            Start::Beginning => held.from,
            Start::End => held.to,
        });
        let mut opened = record.unwrap_or_default();
        opened.begin(new_at, held);
        let roster = lock(&self.roster).clone();
        let roster = (roster.as_ref(), names);
        opened.open(subscription, roster, held, &BTreeSet::new(), self.clock.now());
        opened
    }

    /// Makes the reader of a sink whose state was written as this record.
    async fn resume(
        self: &Arc<Self>,
        sink: &str,
        record: SinkRecord,
        sequence: u64,
    ) -> Result<(NatsReader, Resumed), JournalError> {
        let (parked, returned, owed, erasures) = {
            let book = self.store.book();
            let parked = book.sinks.get(sink).map(|sink| &sink.parked);
            let before = parked.into_iter().flat_map(|parked| parked.range(..Parked::BACK));
            let parked_at: Vec<Position> = before.map(|(position, _)| *position).collect();
            let returned = parked.map_or(0, |parked| parked.range(Parked::BACK..).count() as u64);
            let owed = record.inputs.owed(&book.names);
            (parked_at, returned, owed, book.erasures.list.clone())
        };
        let parked = self.parked_at(sink, &parked).await?;
        let (end, arrivals) = self.store.book().open_reader(sink, &owed);
        let unread = self.unread(&record, end).await?;
        let lost = |position: &Position| Lost {
            from: *position,
            to: position + 1,
            events: 1,
            loss: crate::Loss::Damaged,
        };
        let resumed = Resumed {
            progress: record.progress.clone(),
            parked: parked.events,
            returned,
            unread,
            arrivals: arrivals.clone(),
            lost: parked.unreadable.iter().map(lost).collect(),
            owed,
            erasures,
            mappings: record.mappings.renamed.clone(),
        };
        let commits = Commits::new(
            self.store.clone(),
            sink,
            record.clone(),
            sequence,
            arrivals.clone(),
        );
        lock(&self.commits).insert(sink.to_owned(), commits.clone());
        let reader = NatsReader {
            shared: self.clone(),
            sink: sink.to_owned(),
            at: record.progress.cursor,
            settled: record.progress.settled.iter().copied().collect(),
            record,
            commits,
            arrivals,
            ready: VecDeque::new(),
            told: false,
        };
        Ok((reader, resumed))
    }
}

impl NatsReader {
    /// Skips settled ranges.
    fn skip_settled(&mut self) {
        while let Some((from, to)) = self.settled.front().copied() {
            if self.at < from {
                return;
            }
            self.at = self.at.max(to);
            self.settled.pop_front();
        }
    }

    /// Hands out what is ready.
    fn take(&mut self, max: usize) -> Option<Read> {
        match self.ready.pop_front()? {
            Piece::Lost(lost) => Some(Read::Lost(lost)),
            Piece::Events(mut events) if events.len() > max => {
                let rest = events.split_off(max);
                self.ready.push_front(Piece::Events(rest));
                Some(Read::Events(events))
            }
            Piece::Events(events) => Some(Read::Events(events)),
        }
    }

    /// Makes a part of what was read ready, without what was settled before.
    fn add(&mut self, piece: Piece) {
        match piece {
            Piece::Lost(lost) => {
                self.at = self.at.max(lost.to);
                self.ready.push_back(Piece::Lost(lost));
            }
            Piece::Events(mut events) => {
                events.retain(|entry| {
                    self.at = self.at.max(entry.position);
                    self.skip_settled();
                    let is_new = entry.position >= self.at;
                    if is_new {
                        self.at = entry.position + 1;
                    }
                    is_new
                });
                if !events.is_empty() {
                    self.ready.push_back(Piece::Events(events));
                }
            }
        }
    }

    /// Reads on from the log.
    async fn read(&mut self) {
        match self.shared.log.read(self.at).await {
            Ok(frames) => {
                if std::mem::take(&mut self.told) {
                    tracing::info!(sink = self.sink, "events are read from the servers again");
                }
                for piece in frames.pieces {
                    self.add(piece);
                }
                self.at = self.at.max(frames.next);
            }
            Err(error) => {
                if !std::mem::replace(&mut self.told, true) {
                    tracing::warn!(
                        sink = self.sink,
                        "events cannot be read from the servers, trying again: {error}"
                    );
                }
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

#[async_trait]
impl Reader for NatsReader {
    async fn next(&mut self, max: usize) -> Read {
        let max = max.max(1);
        loop {
            let shared = self.shared.clone();
            let news = shared.log.news().notified();
            tokio::pin!(news);
            // Registered before looking, so that an append in between is not missed.
            news.as_mut().enable();
            if self.arrivals.is_revoked() {
                return Read::Revoked;
            }
            if shared.is_closed() {
                return Read::End;
            }
            if let Some(read) = self.take(max) {
                return read;
            }
            self.skip_settled();
            if self.at < shared.log.end() {
                self.read().await;
            } else {
                tokio::select! {
                    () = news => {}
                    () = self.arrivals.revoked() => {}
                }
            }
        }
    }

    async fn fetch(&mut self, positions: &[Position]) -> Vec<Entry> {
        for left in (0..FETCHES).rev() {
            match self.shared.log.events_at(positions).await {
                Ok(entries) => return entries,
                Err(error) => {
                    tracing::warn!(
                        sink = self.sink,
                        left,
                        "events cannot be read from the servers: {error}"
                    );
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        Vec::new()
    }

    async fn returned(&mut self, after: Position, max: usize) -> Result<Returned, JournalError> {
        let from = after.saturating_add(1).max(Parked::BACK);
        self.shared.parked_page(&self.sink, from, max).await
    }

    fn dead_letters_full(&self, uncommitted: u64) -> bool {
        let book = self.shared.store.book();
        let kept = book.counts.get(&self.sink).map_or(0, |counts| counts.bytes);
        !book.quota.drops(&self.sink) && kept + uncommitted >= book.quota.bytes(&self.sink)
    }

    async fn ahead(&mut self, returned_after: Position) -> Result<Ahead, JournalError> {
        let ahead = SinkRecord {
            progress: Progress {
                cursor: self.at,
                settled: self.settled.iter().copied().collect(),
                ..Progress::default()
            },
            ..self.record.clone()
        };
        let (end, arrived) = {
            let book = self.shared.store.book();
            (book.log_end, self.arrivals.count())
        };
        let mut unread = self.shared.unread(&ahead, end).await?;
        // Events that were read and not handed out yet.
        let events = self.ready.iter().filter_map(|piece| match piece {
            Piece::Events(events) => Some(events),
            Piece::Lost(_) => None,
        });
        for entry in events.flatten() {
            let source = &*entry.event.receipt().source;
            match unread.iter_mut().find(|(name, _)| name == source) {
                Some((_, count)) => *count += 1,
                None => unread.push((source.to_owned(), 1)),
            }
        }
        let after = returned_after.saturating_add(1).max(Parked::BACK);
        let returned = {
            let book = self.shared.store.book();
            let sink = book.sinks.get(&self.sink);
            sink.map_or(0, |sink| sink.parked.range(after..).count() as u64)
        };
        Ok(Ahead {
            unread,
            returned,
            arrived,
        })
    }

    fn commit(&mut self, commit: Commit) {
        self.commits.add(commit);
    }

    async fn flush(&mut self) {
        self.commits.flush().await;
    }

    fn behind(&self) -> Duration {
        self.commits.behind()
    }
}

impl Drop for NatsReader {
    fn drop(&mut self) {
        self.commits.end();
    }
}
