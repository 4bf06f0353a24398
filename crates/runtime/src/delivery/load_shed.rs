//! Giving up the oldest events when the journal is full, for sinks whose operator prefers new events to old ones
//! (`on_journal_full = "dead_letter_oldest"`).

use std::sync::atomic::{AtomicBool, Ordering};

use signalbox_core::Reason;
use tokio::sync::Notify;

/// Number of events given up each time the journal is full.
pub(super) const AT_ONCE: usize = 1_000;

/// A source's request to a sink for room.
#[derive(Debug, Default)]
pub struct LoadShed {
    asked: AtomicBool,
    news: Notify,
}

impl LoadShed {
    /// Requests room, without waiting for it.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        self.news.notify_one();
    }

    /// Returns when a source has asked since the last call.
    pub(super) async fn asked(&self) {
        while !self.asked.swap(false, Ordering::AcqRel) {
            self.news.notified().await;
        }
    }

    /// The reason of the dead letters.
    pub(super) fn reason() -> Reason {
        Reason::new("journal_full", "given up to make room for new events")
    }
}
