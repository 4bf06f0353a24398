//! Erasures of a journal in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use super::MemoryJournal;
use crate::erasures::{
    ERASED, Erasure, ErasureList, ErasureResults, Erasures, Index, LogHits, Subject, Wanted,
};
use crate::{JournalError, Parked, Position};

#[async_trait]
impl Erasures for MemoryJournal {
    fn erasures(&self) -> Arc<ErasureList> {
        self.0.erasures.list.clone()
    }

    fn erasure_test(&self, wanted: &[Wanted], of: Option<&Erasure>) -> Result<Index, JournalError> {
        self.0.erasures.test(wanted, of)
    }

    async fn record_erasure(&self, subject: Subject, wanted: Vec<Wanted>) -> Result<Erasure, JournalError> {
        let (start, before) = {
            let state = self.state();
            (state.base, state.end())
        };
        self.0.erasures.drop_ended(start)?;
        self.0
            .erasures
            .record(subject, &wanted, before, self.0.clock.wall())
    }

    async fn save_erasure(&self, id: u64, results: ErasureResults) -> Result<(), JournalError> {
        self.0.erasures.save_results(id, &results)
    }

    async fn search_log(&self, test: Arc<Index>, until: Instant) -> Result<LogHits, JournalError> {
        // The events are shared, so that the lock is held for a moment only.
        let (base, events) = {
            let state = self.state();
            let events: Vec<_> = state.entries.iter().map(|(event, _)| event.clone()).collect();
            (state.base, events)
        };
        let mut hits = LogHits::default();
        for (place, event) in (base..).zip(events) {
            if Instant::now() >= until {
                hits.stopped_at = Some(place);
                break;
            }
            if test.finds(&event, Some(place)) {
                hits.found.push((place, event.receipt().source.clone()));
            }
        }
        Ok(hits)
    }

    async fn erase_parked(
        &self,
        test: Arc<Index>,
        dry_run: bool,
    ) -> Result<BTreeMap<String, u64>, JournalError> {
        let mut erased = BTreeMap::new();
        for (name, sink) in &mut self.state().sinks {
            let hits = |parked: &Parked| test.finds(&parked.event, parked.place());
            let found: Vec<Position> = sink
                .parked
                .iter()
                .filter(|(_, parked)| hits(parked))
                .map(|(position, _)| *position)
                .collect();
            if found.is_empty() {
                continue;
            }
            if !dry_run {
                found
                    .iter()
                    .for_each(|position| drop(sink.parked.remove(position)));
                let filtered = &mut sink.record.progress.totals.filtered;
                *filtered.entry(ERASED.to_owned()).or_default() += found.len() as u64;
            }
            erased.insert(name.clone(), found.len() as u64);
        }
        Ok(erased)
    }
}
