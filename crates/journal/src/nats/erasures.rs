//! The erasures of a journal on NATS.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::book::Book;
use super::book::key::Key;
use super::book::store::{Refused, Write};
use super::journal::{NatsJournal, PATIENCE, Shared};
use super::log::frames::Piece;
use crate::erasures::{
    ERASED, Erasure, ErasureList, ErasureResults, ErasureStore, Erasures, Index, LogHits, Subject, Wanted,
};
use crate::sink_record::SinkRecord;
use crate::{JournalError, Parked, Position};

/// Parked events read at once.
const AT_ONCE: usize = 500;
/// Changes of the list that are tried again when another router changes it at the same time.
const TRIES: u32 = 5;
/// The pause before such a try.
const PAUSE: Duration = Duration::from_millis(100);

impl Shared {
    /// Changes the list of erasures.
    async fn change_erasures<T>(
        &self,
        change: impl Fn(&ErasureStore) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        for _ in 0..TRIES {
            let (draft, sequence) = {
                let book = self.store.book();
                (book.erasures.draft(), book.sequence(&Key::Erasures))
            };
            let result = change(&draft)?;
            let Some(contents) = draft.contents()? else {
                return Ok(result);
            };
            let writes = [Write::set(Key::Erasures, contents).over(sequence)];
            match self
                .store
                .write_and_read(&writes, Instant::now() + PATIENCE)
                .await
            {
                Ok(_) => return Ok(result),
                Err(Refused::Fenced) => tokio::time::sleep(PAUSE).await,
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(Refused::Fenced.into())
    }

    /// Finds the parked events of a sink that a test finds.
    async fn parked_that(&self, sink: &str, test: &Index) -> Result<Vec<Position>, JournalError> {
        let (mut found, mut from) = (Vec::new(), 0);
        loop {
            let page = self.parked_page(sink, from, AT_ONCE).await?;
            let hits = |parked: &&Parked| test.finds(&parked.event, parked.place());
            found.extend(page.events.iter().filter(hits).map(|parked| parked.position));
            match page.last() {
                Some(last) if page.more => from = last + 1,
                _ => return Ok(found),
            }
        }
    }
}

#[async_trait]
impl Erasures for NatsJournal {
    fn erasures(&self) -> Arc<ErasureList> {
        self.0.store.book().erasures.list.clone()
    }

    fn erasure_test(&self, wanted: &[Wanted], of: Option<&Erasure>) -> Result<Index, JournalError> {
        let erasures = self.0.store.book().erasures.clone();
        erasures.test(wanted, of)
    }

    async fn record_erasure(&self, subject: Subject, wanted: Vec<Wanted>) -> Result<Erasure, JournalError> {
        let start = self.0.log.held().from;
        // Other routers may have stored events that this one has not read yet.
        let before = self.0.newest().await?;
        let at = self.0.clock.wall();
        let record = |draft: &ErasureStore| {
            draft.drop_ended(start)?;
            draft.record(subject, &wanted, before, at)
        };
        self.0.change_erasures(record).await
    }

    async fn save_erasure(&self, id: u64, results: ErasureResults) -> Result<(), JournalError> {
        self.0
            .change_erasures(|draft| draft.save_results(id, &results))
            .await
    }

    async fn search_log(&self, test: Arc<Index>, until: Instant) -> Result<LogHits, JournalError> {
        let (mut at, end) = (self.0.log.held().from, self.0.newest().await?);
        let mut hits = LogHits::default();
        while at < end {
            if Instant::now() >= until {
                hits.stopped_at = Some(at);
                break;
            }
            let frames = self.0.log.read(at).await?;
            let events = frames.pieces.iter().filter_map(|piece| match piece {
                Piece::Events(events) => Some(events),
                Piece::Lost(_) => None,
            });
            for entry in events.flatten().filter(|entry| entry.position < end) {
                if test.finds(&entry.event, Some(entry.position)) {
                    hits.found
                        .push((entry.position, entry.event.receipt().source.clone()));
                }
            }
            if frames.next <= at {
                break;
            }
            at = frames.next;
        }
        Ok(hits)
    }

    async fn erase_parked(
        &self,
        test: Arc<Index>,
        dry_run: bool,
    ) -> Result<BTreeMap<String, u64>, JournalError> {
        let sinks: Vec<String> = {
            let book = self.0.store.book();
            let holding = book.known_sinks().filter(|(_, sink)| !sink.parked.is_empty());
            holding.map(|(name, _)| name.clone()).collect()
        };
        let mut erased = BTreeMap::new();
        for name in sinks {
            let found = self.0.parked_that(&name, &test).await?;
            if found.is_empty() {
                continue;
            }
            let mut count = found.len() as u64;
            if !dry_run {
                count = 0;
                // Each change removes what fits in it, and counts that.
                for part in found.chunks(AT_ONCE) {
                    count += self.0.erase(&name, part).await?;
                }
            }
            erased.insert(name, count);
        }
        Ok(erased)
    }
}

impl Shared {
    /// Removes parked events of a sink, which end as filtered.
    async fn erase(&self, sink: &str, positions: &[Position]) -> Result<u64, JournalError> {
        let change = |book: &Book, record: &mut SinkRecord, _: &[(String, u64)]| {
            let parked = book.sinks.get(sink).map(|sink| &sink.parked);
            let there = |position: &&Position| parked.is_some_and(|parked| parked.contains_key(position));
            let there: Vec<Position> = positions.iter().filter(there).copied().collect();
            let count = there.len() as u64;
            let filtered = &mut record.progress.totals.filtered;
            *filtered.entry(ERASED.to_owned()).or_default() += count;
            record
                .progress
                .open
                .retain(|open| !positions.contains(&open.position));
            (count, book.unpark_writes(sink, there))
        };
        self.change_sink(sink, change).await
    }
}
