//! The states of sinks and sources: questions to the state thread.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::DiskJournal;
use super::state_writer::{StateWriter, ToStateWriter};
use crate::mutex::lock;
use crate::state::{parked, tables};
use crate::{JournalError, Position, Progress, Returned, Roster, SinkState, SourceTotals, States};

#[async_trait]
impl States for DiskJournal {
    async fn adopt(&self, roster: &Roster) -> Result<(), JournalError> {
        let roster = roster.clone();
        self.ask(move |state_writer| state_writer.adopt(roster)).await?
    }

    fn all_opened(&self) {
        self.shared.all_opened.store(true, Ordering::Relaxed);
    }

    fn rebuilt(&self) -> Option<BTreeMap<String, u64>> {
        let rebuilt = self.shared.rebuilt.load(Ordering::Relaxed);
        rebuilt.then(|| lock(&self.shared.again).clone())
    }

    async fn sinks(&self) -> Result<Vec<SinkState>, JournalError> {
        self.ask(|state_writer| state_writer.describe_sinks()).await?
    }

    async fn parked(&self, sink: &str, from: Position, max: usize) -> Result<Returned, JournalError> {
        let (store, sink) = (self.store.clone(), sink.to_owned());
        let file = self.shared.options.path.join(tables::FILE);
        let reading = tokio::task::spawn_blocking(move || {
            let read = store.read(|txn| parked::read_parked(txn, &sink, from..=Position::MAX, max));
            read.map_err(|trouble| trouble.at(&file))
        });
        reading
            .await
            .unwrap_or_else(|_| Err(JournalError("reading was cut off".into())))
    }

    async fn set_progress(&self, sink: &str, progress: Progress) -> Result<(), JournalError> {
        let name = sink.to_owned();
        self.ask(move |state_writer| state_writer.set_progress(&name, progress))
            .await?
    }

    async fn forget(&self, sink: &str, source: Option<&str>) -> Result<u64, JournalError> {
        let (name, source) = (sink.to_owned(), source.map(str::to_owned));
        self.ask(move |state_writer| state_writer.forget(&name, source.as_deref()))
            .await?
    }

    fn save_source(&self, source: &str, totals: SourceTotals) {
        // A source may still answer requests under its old name after it was renamed.
        let names = lock(&self.shared.names).clone();
        let mut sources = lock(&self.shared.sources);
        sources.changed = true;
        sources.totals.insert(names.now(source).to_owned(), totals);
    }

    async fn save_counts(&self) -> Result<(), JournalError> {
        self.ask(StateWriter::save_counts).await?
    }

    async fn source_totals(&self) -> Result<Vec<(String, SourceTotals)>, JournalError> {
        let mut totals: BTreeMap<String, SourceTotals> = lock(&self.shared.sources).totals.clone();
        for totals in totals.values_mut() {
            totals.journalled = 0;
        }
        // The runtime's count may lack the last second before a crash; this one does not.
        let names = lock(&self.shared.names).clone();
        for (source, count) in &lock(&self.shared.journalled).counts {
            let now = names.now(source);
            totals.entry(now.to_owned()).or_default().journalled += *count;
        }
        Ok(totals.into_iter().collect())
    }

    async fn checkpoints(&self, source: &str) -> Result<BTreeMap<String, Vec<u8>>, JournalError> {
        let source = source.to_owned();
        self.ask(move |state_writer| state_writer.checkpoints(&source))
            .await?
    }

    fn save_checkpoint(&self, source: &str, key: &str, value: Option<Vec<u8>>) {
        // A source may still read under its old name after it was renamed.
        let names = lock(&self.shared.names).clone();
        let saved = ToStateWriter::Checkpoint(names.now(source).to_owned(), key.to_owned(), value);
        if self.state_writer.send(saved).is_err() {
            tracing::warn!(
                source,
                "a checkpoint came after the journal was shut down: the source reads a little again"
            );
        }
    }

    async fn flush(&self) {
        let (reply, written) = oneshot::channel();
        // After a shutdown everything is written already.
        if self.state_writer.send(ToStateWriter::Flush(reply)).is_ok() {
            let _ = written.await;
        }
    }

    fn behind(&self) -> Duration {
        self.shared.behind()
    }
}
