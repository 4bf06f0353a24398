//! Counts the events appended for each sink while its reader is open.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use tokio::sync::Notify;

use crate::Owed;

/// The number of events that were appended for a sink since its reader was opened. The journal adds them at the moment
/// from which the reader can hand them out.
#[derive(Debug, Clone, Default)]
pub struct Arrivals(Arc<Counter>);

#[derive(Debug, Default)]
struct Counter {
    events: AtomicU64,
    /// Set when another reader of the sink was opened.
    revoked: AtomicBool,
    /// Woken then.
    ended: Notify,
}

impl Arrivals {
    /// Returns the number of events.
    #[inline]
    pub fn count(&self) -> u64 {
        self.0.events.load(SeqCst)
    }

    /// Ends the reader: its commits have no effect any more.
    pub(crate) fn revoke(&self) {
        self.0.revoked.store(true, SeqCst);
        self.0.ended.notify_waiters();
    }

    /// Waits until the reader is revoked.
    #[cfg(feature = "nats")]
    pub(crate) async fn revoked(&self) {
        let ended = self.0.ended.notified();
        tokio::pin!(ended);
        // Registered before looking, so that the end in between is not missed.
        ended.as_mut().enable();
        if !self.is_revoked() {
            ended.await;
        }
    }

    /// True if another reader of the sink was opened since.
    #[inline]
    pub fn is_revoked(&self) -> bool {
        self.0.revoked.load(SeqCst)
    }
}

/// The counters of all readers of a journal.
#[derive(Debug, Default)]
pub(crate) struct Counters(BTreeMap<String, (Vec<String>, Arrivals)>);

impl Counters {
    /// Begins to count for a sink; revokes its earlier reader.
    pub(crate) fn open(&mut self, sink: &str, owed: &Owed) -> Arrivals {
        // No reader and no ledger holds the other counters any more.
        self.0
            .retain(|_, (_, arrivals)| Arc::strong_count(&arrivals.0) > 1);
        let sources = owed.open_sources().map(str::to_owned).collect();
        let arrivals = Arrivals::default();
        if let Some((_, old)) = self.0.insert(sink.to_owned(), (sources, arrivals.clone())) {
            old.revoke();
        }
        arrivals
    }

    /// Revokes the reader of a sink, whose state another router has changed.
    #[cfg(feature = "nats")]
    pub(crate) fn revoke(&self, sink: &str) {
        if let Some((_, arrivals)) = self.0.get(sink) {
            arrivals.revoke();
        }
    }

    /// Counts events of a source for the sinks that listen to it.
    pub(crate) fn add(&mut self, source: &str, events: u64) {
        for (sources, arrivals) in self.0.values() {
            if sources.iter().any(|listened| listened == source) {
                arrivals.0.events.fetch_add(events, SeqCst);
            }
        }
    }
}
