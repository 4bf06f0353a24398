//! The states of sinks and sources of a journal on NATS.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::book::Book;
use super::book::key::Key;
use super::book::parked;
use super::book::store::{Refused, Write};
use super::book::values::json;
use super::commits::Commits;
use super::journal::{NatsJournal, PATIENCE, Shared};
use crate::mutex::lock;
use crate::sink_record::SinkRecord;
use crate::{JournalError, Parked, Position, Progress, Returned, Roster, SinkState, SourceTotals, States};

/// Changes of a sink that are tried again when another router changes it at the same time.
const TRIES: u32 = 5;
/// The pause before such a try, in which the book reads the other router's change.
const PAUSE: Duration = Duration::from_millis(100);
/// Parked events that are removed in one change: each is a record, and may have another with its history.
pub(super) const UNPARKED: usize = 400;
/// Parked events fetched at the same time.
const FETCHES: usize = 16;

impl Shared {
    /// Counts the events before `end` that a sink is owed and has not settled, by source.
    pub(super) async fn unread(
        &self,
        record: &SinkRecord,
        end: Position,
    ) -> Result<Vec<(String, u64)>, JournalError> {
        if record.released {
            return Ok(Vec::new());
        }
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for (span, sources) in record.inputs.pieces(&record.progress, end) {
            for (source, count) in self.log.count_by_source(&[span]).await? {
                let owed = sources
                    .as_ref()
                    .is_none_or(|sources| sources.contains(&source.as_str()));
                if owed && count > 0 {
                    *sums.entry(source).or_default() += count;
                }
            }
        }
        Ok(sums.into_iter().collect())
    }

    /// Reads parked events of a sink by their positions.
    pub(super) async fn parked_at(
        &self,
        sink: &str,
        positions: &[Position],
    ) -> Result<Returned, JournalError> {
        use futures_util::StreamExt as _;
        let wanted: Vec<_> = {
            let book = self.store.book();
            let Some(sink) = book.sinks.get(sink) else {
                return Ok(Returned::default());
            };
            let one = |position: &Position| {
                let record = sink.parked.get(position)?;
                Some((*position, record.sequence, sink.open(*position)))
            };
            positions.iter().filter_map(one).collect()
        };
        let fetches = wanted.into_iter().map(|(position, sequence, open)| async move {
            let value = self.store.fetch(sequence).await?;
            let parked = value.and_then(|value| parked::decode(position, &value, open));
            Ok::<_, JournalError>((position, parked))
        });
        let mut fetched = futures_util::stream::iter(fetches).buffered(FETCHES);
        let mut returned = Returned::default();
        while let Some(fetched) = fetched.next().await {
            match fetched? {
                (_, Some(parked)) => returned.events.push(parked),
                (position, None) => returned.unreadable.push(position),
            }
        }
        Ok(returned)
    }

    /// Reads a page of a sink's parked events, from a position on and before `to`.
    pub(super) async fn parked_page(
        &self,
        sink: &str,
        from: Position,
        max: usize,
    ) -> Result<Returned, JournalError> {
        let (positions, more) = {
            let book = self.store.book();
            let Some(sink) = book.sinks.get(sink) else {
                return Ok(Returned::default());
            };
            let mut all = sink.parked.range(from..).map(|(position, _)| *position);
            let positions: Vec<Position> = all.by_ref().take(max).collect();
            (positions, all.next().is_some())
        };
        let mut returned = self.parked_at(sink, &positions).await?;
        returned.more = more;
        Ok(returned)
    }

    /// Changes the record of a sink, with other records, and tries again if another router changes it at the same time.
    /// `change` gets the counts of the sink's unread events by source. The reader of the sink is revoked, here or at another
    /// router.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such sink, or if the change cannot be written.
    pub(super) async fn change_sink<T>(
        &self,
        name: &str,
        change: impl Fn(&Book, &mut SinkRecord, &[(String, u64)]) -> (T, Vec<Write>),
    ) -> Result<T, JournalError> {
        let key = Key::Sink(name.to_owned());
        for _ in 0..TRIES {
            let (mut record, sequence) = {
                let book = self.store.book();
                let sink = book.sinks.get(name).filter(|_| book.has_sink(name));
                let sink = sink.ok_or_else(|| JournalError::no_sink(name))?;
                (sink.record.clone(), book.sequence(&key))
            };
            let unread = self.unread(&record, self.log.end()).await?;
            let (result, others) = change(&self.store.book(), &mut record, &unread);
            let mut writes = vec![Write::set(key.clone(), json(&record)?).over(sequence)];
            writes.extend(others);
            match self
                .store
                .write_and_read(&writes, Instant::now() + PATIENCE)
                .await
            {
                Ok(_) => {
                    self.store.book().readers.revoke(name);
                    self.log.news().notify_waiters();
                    return Ok(result);
                }
                Err(Refused::Fenced) => tokio::time::sleep(PAUSE).await,
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(Refused::Fenced.into())
    }
}

#[async_trait]
impl States for NatsJournal {
    async fn adopt(&self, roster: &Roster) -> Result<(), JournalError> {
        self.0.adopt(roster).await
    }

    async fn sinks(&self) -> Result<Vec<SinkState>, JournalError> {
        let shared = &self.0;
        let known: Vec<_> = {
            let book = shared.store.book();
            let sinks = book.known_sinks().map(|(name, sink)| {
                let oldest = sink.parked.values().map(|record| record.head.received_at).min();
                (
                    name.clone(),
                    sink.record.clone(),
                    sink.parked.len() as u64,
                    oldest,
                )
            });
            sinks.collect()
        };
        let end = shared.log.end();
        let mut states = Vec::with_capacity(known.len());
        for (name, record, parked, parked_since) in known {
            let unread = shared.unread(&record, end).await?;
            let first = record.inputs.first(&record.progress, end);
            let logged_since = match first {
                Some(first) if !unread.is_empty() => {
                    let entries = shared.log.events_at(&[first]).await?;
                    entries.first().map(|entry| entry.event.receipt().received_at)
                }
                _ => None,
            };
            let oldest = parked_since.into_iter().chain(logged_since).min();
            let names = shared.store.book().names.clone();
            states.push(record.describe(name, parked, unread, oldest, &names));
        }
        Ok(states)
    }

    fn unreadable(&self) -> Vec<String> {
        let book = self.0.store.book();
        book.unreadable_sinks().map(str::to_owned).collect()
    }

    async fn parked(&self, sink: &str, from: Position, max: usize) -> Result<Returned, JournalError> {
        if !self.0.store.book().has_sink(sink) {
            return Err(JournalError::no_sink(sink));
        }
        self.0.parked_page(sink, from, max).await
    }

    async fn set_progress(&self, sink: &str, progress: Progress) -> Result<(), JournalError> {
        let shared = &self.0;
        // Not asked for while the book is held: the log asks for the book while it is held itself.
        let held = shared.log.held();
        let change = |_: &Book, record: &mut SinkRecord, _: &[(String, u64)]| {
            record.replay(progress.clone(), held, shared.clock.now());
            ((), Vec::new())
        };
        shared.change_sink(sink, change).await
    }

    async fn forget(&self, sink: &str, source: Option<&str>) -> Result<u64, JournalError> {
        if self.0.store.book().is_unreadable(sink) {
            return self.0.give_up(sink, source).await;
        }
        let of_it = |other: &str| source.is_none_or(|source| source == other);
        let change = |book: &Book, record: &mut SinkRecord, unread: &[(String, u64)]| {
            let parked = book.sinks.get(sink).into_iter().flat_map(|sink| &sink.parked);
            let mut parked = parked.filter(|(_, record)| of_it(&record.head.source));
            let some: Vec<Position> = parked
                .by_ref()
                .take(UNPARKED)
                .map(|(position, _)| *position)
                .collect();
            let (mut count, is_last) = (some.len() as u64, parked.next().is_none());
            if is_last {
                let unread = unread.iter().filter(|(source, _)| of_it(source));
                count += unread.map(|(_, count)| count).sum::<u64>();
                record.forget(source, count);
            } else {
                record.count_forgotten(count);
            }
            ((count, is_last), book.unpark_writes(sink, some))
        };
        let mut sum = 0;
        loop {
            let (count, is_last) = self.0.change_sink(sink, change).await?;
            sum += count;
            if is_last {
                return Ok(sum);
            }
        }
    }

    fn save_source(&self, source: &str, totals: SourceTotals) {
        let now = self.0.store.book().names.now(source).to_owned();
        self.0.queue.source(now, totals);
    }

    async fn save_counts(&self) -> Result<(), JournalError> {
        self.0.queue.written().await
    }

    async fn source_totals(&self) -> Result<Vec<(String, SourceTotals)>, JournalError> {
        let book = self.0.store.book();
        let own = |(source, nodes): (&String, &BTreeMap<String, SourceTotals>)| {
            Some((source.clone(), nodes.get(&self.0.node)?.clone()))
        };
        Ok(book.sources.iter().filter_map(own).collect())
    }

    async fn checkpoints(&self, source: &str) -> Result<BTreeMap<String, Vec<u8>>, JournalError> {
        let book = self.0.store.book();
        Ok(book.checkpoints.get(source).cloned().unwrap_or_default())
    }

    fn save_checkpoint(&self, source: &str, key: &str, value: Option<Vec<u8>>) {
        let now = self.0.store.book().names.now(source).to_owned();
        self.0.queue.checkpoint(now, key.to_owned(), value);
    }

    async fn flush(&self) {
        // An error is logged by the queue, which tries again by itself.
        let _ = self.0.queue.written().await;
    }

    fn behind(&self) -> Duration {
        let commits = lock(&self.0.commits);
        let behind = commits.values().map(Commits::behind);
        behind.max().unwrap_or_default().max(self.0.queue.behind())
    }
}

/// True for positions of events that came back from the dead letters.
pub(super) fn is_back(position: Position) -> bool {
    position >= Parked::BACK
}
