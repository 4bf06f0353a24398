//! States of sinks and sources of a journal in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryJournal;
use super::state::Sink;
use crate::{JournalError, Position, Progress, Returned, Roster, SinkState, SourceTotals, States};

#[async_trait]
impl States for MemoryJournal {
    async fn adopt(&self, roster: &Roster) -> Result<(), JournalError> {
        self.state().adopt(roster);
        Ok(())
    }

    async fn sinks(&self) -> Result<Vec<SinkState>, JournalError> {
        let state = self.state();
        let describe = |(name, sink): (&String, &Sink)| {
            let oldest = sink.parked.values().next().map(|parked| &parked.event);
            let oldest = oldest.or_else(|| state.event(sink.record.progress.cursor));
            let unread = state.unread(&sink.record);
            let oldest = oldest.map(|event| event.receipt().received_at);
            let (record, parked) = (sink.record.clone(), sink.parked.len() as u64);
            record.describe(name.clone(), parked, unread, oldest, &state.names)
        };
        Ok(state.sinks.iter().map(describe).collect())
    }

    async fn parked(&self, sink: &str, from: Position, max: usize) -> Result<Returned, JournalError> {
        let state = self.state();
        let sink = state.sinks.get(sink).ok_or_else(|| JournalError::no_sink(sink))?;
        let mut parked = sink.parked.range(from..).map(|(_, parked)| parked.clone());
        Ok(Returned {
            events: parked.by_ref().take(max).collect(),
            unreadable: Vec::new(),
            more: parked.next().is_some(),
        })
    }

    async fn set_progress(&self, sink: &str, progress: Progress) -> Result<(), JournalError> {
        let mut state = self.state();
        let held = state.held();
        let sink = state
            .sinks
            .get_mut(sink)
            .ok_or_else(|| JournalError::no_sink(sink))?;
        sink.record.replay(progress, held, self.0.clock.now());
        Ok(())
    }

    async fn forget(&self, sink: &str, source: Option<&str>) -> Result<u64, JournalError> {
        let mut state = self.state();
        let known = state.sinks.remove(sink);
        let mut known = known.ok_or_else(|| JournalError::no_sink(sink))?;
        let of_it = |other: &str| source.is_none_or(|source| source == other);
        let unread = state.unread(&known.record);
        let unread = unread.iter().filter(|(name, _)| of_it(name));
        let mut count = unread.map(|(_, count)| count).sum::<u64>();
        let before = known.parked.len();
        known
            .parked
            .retain(|_, parked| !of_it(&parked.event.receipt().source));
        count += (before - known.parked.len()) as u64;
        known.record.forget(source, count);
        state.sinks.insert(sink.to_owned(), known);
        state.truncate();
        Ok(count)
    }

    fn save_source(&self, source: &str, totals: SourceTotals) {
        let mut state = self.state();
        let now = state.names.now(source).to_owned();
        state.sources.insert(now, totals);
    }

    async fn save_counts(&self) -> Result<(), JournalError> {
        Ok(())
    }

    async fn source_totals(&self) -> Result<Vec<(String, SourceTotals)>, JournalError> {
        Ok(self.state().sources.clone().into_iter().collect())
    }

    async fn checkpoints(&self, source: &str) -> Result<BTreeMap<String, Vec<u8>>, JournalError> {
        Ok(self.state().checkpoints.get(source).cloned().unwrap_or_default())
    }

    fn save_checkpoint(&self, source: &str, key: &str, value: Option<Vec<u8>>) {
        let mut state = self.state();
        let now = state.names.now(source).to_owned();
        let saved = state.checkpoints.entry(now).or_default();
        match value {
            Some(value) => drop(saved.insert(key.to_owned(), value)),
            None => drop(saved.remove(key)),
        }
    }

    async fn flush(&self) {}
}
