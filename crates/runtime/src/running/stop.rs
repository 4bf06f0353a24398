//! The end of a pipeline: once all its sources have ended, or by a stop.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Running, ended};

/// The time that sources have to answer for the events they have taken in.
const SOURCE_GRACE: Duration = Duration::from_secs(10);

/// The time that drivers have to commit after an abort.
const COMMIT_GRACE: Duration = Duration::from_secs(5);

impl Running {
    /// Returns a token that makes [`Running::stop`] give up at once when it is cancelled.
    pub fn abort_handle(&self) -> CancellationToken {
        self.ending.abort.clone()
    }

    /// Waits until every source has ended by itself (a file was read to its end, a source failed). Cancel safe.
    pub async fn sources_ended(&mut self) {
        while let Some(task) = self.tasks.join_next().await {
            ended(task, &mut self.ending);
        }
    }

    /// Returns when every source has ended by itself and everything is delivered. Cancel safe.
    pub async fn run_out(&mut self) {
        if !self.ending.draining {
            self.sources_ended().await;
            tracing::info!("every source has ended; delivering what is left");
        }
        self.drained().await;
    }

    /// True if the journal takes no more events, since every source has ended.
    pub fn is_draining(&self) -> bool {
        self.ending.draining
    }

    /// True if a source ended by an error.
    pub fn failed(&self) -> bool {
        self.ending.failed
    }

    /// Delivers everything in the journal, without a deadline. Call after [`Running::sources_ended`]. Cancel safe.
    pub async fn drained(&mut self) {
        self.ending.draining = true;
        self.journal.close();
        while let Some(mut entry) = self.sinks.first_entry() {
            let parts = (&mut entry.get_mut().task).await;
            entry.remove();
            if let Ok(parts) = parts {
                parts.stage.sink.close().await;
            }
        }
    }

    /// Stops: sources take nothing more and answer their requests under way, and sinks deliver until the deadline. The
    /// rest stays in the journal, unless that is in memory. Returns the number of undelivered events, over all sinks that
    /// this router drives.
    ///
    /// With a shared journal, sinks only finish the requests under way: the next router delivers the rest, and begins as
    /// soon as they have ended.
    pub async fn stop(&mut self, deadline: Duration) -> u64 {
        self.view.stopping.store(true, Relaxed);
        self.view.end_scores();
        self.ending.stopping = true;
        self.followed.end();
        for source in self.sources.values() {
            source.shutdown.cancel();
        }
        let end = tokio::time::Instant::now() + deadline;
        let grace = SOURCE_GRACE.min(deadline);
        if self.shared {
            self.journal.resign();
            let handing_over = self.hand_over(end);
            // Sources go on appending while they end: other routers read that as well.
            tokio::join!(handing_over, self.end_sources(grace));
            self.ending.closed.store(true, Relaxed);
            self.journal.close();
        } else {
            self.end_sources(grace).await;
            self.ending.closed.store(true, Relaxed);
            self.deliver_until(end).await;
        }
        for (name, source) in &self.sources {
            self.journal.save_source(name, source.intake.ledger.totals());
        }
        if let Some(orphans) = self.orphans.take() {
            orphans.end().await;
        }
        self.journal.shutdown().await;
        let here = self.ledger.sinks.values().filter(|sink| sink.is_driven_here());
        here.map(|sink| sink.pending()).sum()
    }

    /// Waits until all sources have ended, and cuts the slow ones off after this time.
    async fn end_sources(&mut self, grace: Duration) {
        if tokio::time::timeout(grace, self.sources_ended()).await.is_err() {
            tracing::warn!("a source did not end in time and was cut off");
            self.tasks.shutdown().await;
        }
    }

    /// Delivers the journal's events until the deadline.
    async fn deliver_until(&mut self, end: tokio::time::Instant) {
        for sink in self.sinks.values() {
            sink.stop.drain.cancel();
        }
        if tokio::time::timeout_at(end, self.drained()).await.is_err() {
            self.ending.abort.cancel();
            // The drivers still commit their progress, unless the disk refuses.
            if tokio::time::timeout(COMMIT_GRACE, self.drained()).await.is_err() {
                tracing::error!(
                    "the journal could not be written in time; what was delivered last may go out again"
                );
                for sink in self.sinks.values() {
                    sink.task.abort();
                }
                self.sinks.clear();
            }
        }
    }
}
