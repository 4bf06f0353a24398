//! Erasures: recorded, and carried out on parked events, on the state thread; searched for beside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use super::DiskJournal;
use super::shared::Sink;
use super::state_writer::StateWriter;
use crate::erasures::{
    ERASED, Erasure, ErasureList, ErasureResults, Erasures, HoldingFile, Index, LogHits, Subject, Wanted,
    search,
};
use crate::mutex::lock;
use crate::state::parked;
use crate::{JournalError, Position};

/// Parked events read at once.
const AT_ONCE: usize = 1_000;

#[async_trait]
impl Erasures for DiskJournal {
    fn erasures(&self) -> Arc<ErasureList> {
        self.shared.erasures.list.clone()
    }

    fn erasure_test(&self, wanted: &[Wanted], of: Option<&Erasure>) -> Result<Index, JournalError> {
        self.shared.erasures.test(wanted, of)
    }

    async fn record_erasure(&self, subject: Subject, wanted: Vec<Wanted>) -> Result<Erasure, JournalError> {
        self.ask(move |state_writer| {
            let shared = &state_writer.shared;
            let (before, at) = (shared.end(), shared.clock.wall());
            let recorded = shared.erasures.record(subject, &wanted, before, at)?;
            state_writer.mark_erasures();
            Ok(recorded)
        })
        .await?
    }

    async fn save_erasure(&self, id: u64, results: ErasureResults) -> Result<(), JournalError> {
        self.ask(move |state_writer| state_writer.shared.erasures.save_results(id, &results))
            .await?
    }

    async fn search_log(&self, test: Arc<Index>, until: Instant) -> Result<LogHits, JournalError> {
        let shared = self.shared.clone();
        let searching = tokio::task::spawn_blocking(move || search(&shared.log, shared.end(), &test, until));
        searching
            .await
            .unwrap_or_else(|_| Err(JournalError("the search was cut off".into())))
    }

    async fn erase_parked(
        &self,
        test: Arc<Index>,
        dry_run: bool,
    ) -> Result<BTreeMap<String, u64>, JournalError> {
        self.ask(move |state_writer| state_writer.erase_parked(&test, dry_run))
            .await?
    }

    fn files_with(&self, positions: &[Position]) -> Vec<HoldingFile> {
        let floor = self.shared.floor();
        let holding = self.shared.log.log_files().into_iter().filter_map(|log_file| {
            let content = log_file.content();
            let from = positions.partition_point(|at| *at < log_file.first);
            let to = positions.partition_point(|at| *at < content.end);
            let events = (to - from) as u64;
            let name = log_file.path.file_name()?.to_string_lossy().into_owned();
            (events > 0).then(|| HoldingFile {
                name,
                events,
                settled: content.end <= floor,
                newest: content.newest(),
            })
        });
        holding.collect()
    }

    async fn purge(&self) -> Result<(), JournalError> {
        self.ask(|state_writer| {
            // The growing file cannot be deleted.
            state_writer.begin_file();
            state_writer.tidy()
        })
        .await?
    }
}

impl StateWriter {
    /// Removes the parked events that a test finds, of all sinks, in one change for each sink.
    fn erase_parked(&mut self, test: &Index, dry_run: bool) -> Result<BTreeMap<String, u64>, JournalError> {
        let sinks = lock(&self.shared.sinks).clone();
        let mut erased = BTreeMap::new();
        for (name, mut sink) in sinks.into_iter().filter(|(_, sink)| sink.parked > 0) {
            let found = self.parked_that(&name, test)?;
            if found.is_empty() {
                continue;
            }
            let count = found.len() as u64;
            if !dry_run {
                if sink.opened {
                    return Err(JournalError(format!("the sink '{name}' is being delivered to")));
                }
                end(&mut sink, &found);
                self.change_sink(&name, sink, |txn| {
                    found
                        .iter()
                        .try_for_each(|at| parked::unpark(txn, &name, *at).map(drop))
                })?;
            }
            erased.insert(name, count);
        }
        if !dry_run && !erased.is_empty() {
            self.state.reuse_at_once();
        }
        Ok(erased)
    }

    /// Finds the positions of a sink's parked events that a test finds.
    fn parked_that(&self, name: &str, test: &Index) -> Result<Vec<Position>, JournalError> {
        let (mut found, mut from) = (Vec::new(), 0);
        loop {
            let page = self
                .state
                .read(|txn| parked::read_parked(txn, name, from..=Position::MAX, AT_ONCE))?;
            let hits = page
                .events
                .iter()
                .filter(|parked| test.finds(&parked.event, parked.place()));
            found.extend(hits.map(|parked| parked.position));
            match page.last() {
                Some(last) if page.more => from = last + 1,
                _ => return Ok(found),
            }
        }
    }
}

/// Counts parked events of a sink as filtered, and ends the right of its earlier readers to change it.
fn end(sink: &mut Sink, found: &[Position]) {
    let count = found.len() as u64;
    let filtered = &mut sink.record.progress.totals.filtered;
    *filtered.entry(ERASED.to_owned()).or_default() += count;
    sink.record
        .progress
        .open
        .retain(|open| !found.contains(&open.position));
    sink.parked = sink.parked.saturating_sub(count);
    sink.generation += 1;
}
