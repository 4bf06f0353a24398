//! The journal as its janitor sees it.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::janitor::Space;
use super::journal::Shared;
use crate::{JournalError, Position};

/// The interval at which dead letters that are too old are dropped.
const LETTERS: Duration = Duration::from_secs(60);

#[async_trait]
impl Space for Shared {
    fn unsettled(&self) -> Option<Position> {
        if !self.is_ready() {
            return None;
        }
        let end = self.log.end();
        let book = self.store.book();
        if !book.is_whole() || book.has_unreadable_sink() {
            return None;
        }
        let holding = book.known_sinks().filter(|(_, sink)| !sink.record.released);
        let first = holding.filter_map(|(_, sink)| sink.record.inputs.first(&sink.record.progress, end));
        Some(first.min().unwrap_or(end))
    }

    fn held(&self) -> (Position, Position) {
        let held = self.log.held();
        (held.from, held.to)
    }

    fn usage(&self) -> (u64, u64) {
        self.log.usage()
    }

    fn stored_since(&self, stored_at: i64) -> Position {
        self.log.stored_since(stored_at)
    }

    fn discarded_below(&self) -> Position {
        let erasures = self.store.book().erasures.clone();
        erasures.list.purge_to()
    }

    async fn purge_below(&self, position: Position) -> Result<(), JournalError> {
        self.log.purge_below(position).await
    }
}

impl Shared {
    /// Drops dead letters that are too old while this router is the janitor. Runs until it is dropped.
    pub(super) async fn drop_aged(&self, mut janitor: watch::Receiver<bool>) {
        while janitor.wait_for(|is| *is).await.is_ok() {
            let before = self.store.book().quota.too_old(self.clock.wall());
            if let Some(before) = before {
                self.store.drop_aged_letters(before).await;
            }
            tokio::time::sleep(LETTERS).await;
        }
    }
}
