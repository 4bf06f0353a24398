//! Gives up the state of a sink that cannot be read.

#[cfg(test)]
mod live;

use std::time::Instant;

use super::book::key::Key;
use super::book::store::Write;
use super::book::values::{json, read};
use super::journal::{PATIENCE, Shared};
use super::states::UNPARKED;
use crate::mutex::lock;
use crate::sink_record::SinkRecord;
use crate::{JournalError, Position};

impl Shared {
    /// Gives up the state of a sink that cannot be read, with its parked events, and returns their number.
    ///
    /// # Errors
    /// [`JournalError`] if a newer version wrote the state, if only the events of a source should go, or if the change cannot be
    /// written.
    pub(super) async fn give_up(&self, sink: &str, source: Option<&str>) -> Result<u64, JournalError> {
        if source.is_some() {
            return Err(JournalError(format!(
                "the state of the sink '{sink}' cannot be read, so its events cannot be told apart by their source: forget all of them"
            )));
        }
        let gone = || {
            JournalError(format!(
                "the state of the sink '{sink}' has changed meanwhile: try again"
            ))
        };
        let sequence = self.store.book().unreadable_sink(sink).ok_or_else(gone)?;
        let value = self.store.fetch(sequence).await?;
        if let Some(record) = value.and_then(|value| read::<SinkRecord>(&value))
            && let Err(newer) = record.check(sink)
        {
            return Err(JournalError(newer.text().to_owned()));
        }
        let events = self.remove_parked(sink).await?;
        let in_file = lock(&self.roster)
            .as_ref()
            .is_some_and(|roster| roster.has_sink(sink));
        let delivered = in_file || self.others_deliver(sink);
        let record = SinkRecord::given_up(self.log.end(), events, delivered);
        let write = [Write::set(Key::Sink(sink.to_owned()), json(&record)?).over(sequence)];
        self.store
            .write_and_read(&write, Instant::now() + PATIENCE)
            .await?;
        self.store.book().readers.revoke(sink);
        self.log.news().notify_waiters();
        Ok(events)
    }

    /// Removes the parked events of a sink, and returns their number.
    async fn remove_parked(&self, sink: &str) -> Result<u64, JournalError> {
        let mut count = 0;
        loop {
            let writes = {
                let book = self.store.book();
                let parked = book
                    .sinks
                    .get(sink)
                    .into_iter()
                    .flat_map(|sink| sink.parked.keys());
                let parked: Vec<Position> = parked.copied().take(UNPARKED).collect();
                count += parked.len() as u64;
                book.unpark_writes(sink, parked)
            };
            if writes.is_empty() {
                return Ok(count);
            }
            self.store
                .write_and_read(&writes, Instant::now() + PATIENCE)
                .await?;
        }
    }
}
