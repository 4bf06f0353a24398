//! The end of a router that shares its journal: others go on with its sinks at once.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use signalbox_journal::Journal;
use tokio::time::{Instant, timeout, timeout_at};

use super::Running;
use super::handles::{SinkHandle, Waiting};

/// The time that a driver has to commit after an abort.
const COMMIT_GRACE: Duration = Duration::from_secs(3);

/// The sinks of a rate group.
#[derive(Default)]
struct Leaving {
    names: Vec<Arc<str>>,
    driven: Vec<SinkHandle>,
    waiting: Vec<Waiting>,
}

impl Running {
    /// Makes all sinks finish their requests under way, and releases each rate group once its sinks have committed. Requests
    /// that are not answered by `end`, or when the stop is cut short, are dropped.
    pub(super) fn hand_over(&mut self, end: Instant) -> impl Future<Output = ()> + use<> {
        let mut groups: BTreeMap<Arc<str>, Leaving> = BTreeMap::new();
        for (name, handle) in std::mem::take(&mut self.sinks) {
            handle.stop.leave.cancel();
            let group = groups.entry(handle.kept.group().clone()).or_default();
            group.names.push(name);
            group.driven.push(handle);
        }
        for (name, mut waiting) in std::mem::take(&mut self.waiting) {
            waiting.opening = None;
            let group = groups.entry(waiting.kept.group().clone()).or_default();
            group.names.push(name);
            group.waiting.push(waiting);
        }
        let journal = self.journal.clone();
        async move {
            join_all(groups.into_values().map(|group| group.release(&*journal, end))).await;
        }
    }
}

impl Leaving {
    async fn release(self, journal: &dyn Journal, end: Instant) {
        for mut handle in self.driven {
            let parts = match timeout_at(end, &mut handle.task).await {
                Ok(parts) => Some(parts),
                Err(_) => {
                    handle.stop.abort.cancel();
                    timeout(COMMIT_GRACE, &mut handle.task).await.ok()
                }
            };
            match parts {
                Some(Ok(parts)) => parts.stage.sink.close().await,
                // The panic hook has logged the panic.
                Some(Err(_)) => {}
                None => {
                    handle.task.abort();
                    tracing::error!(
                        sink = %handle.kept.options.name,
                        "its progress could not be written in time; what was delivered last may go out again"
                    );
                }
            }
        }
        journal.release(&self.names);
        for waiting in self.waiting {
            waiting.parts.stage.sink.close().await;
        }
    }
}
