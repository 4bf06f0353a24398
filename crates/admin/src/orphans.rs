//! Sinks that are no longer configured, as the journal last reported them. The journal may have to read frames to count
//! their events, and it writes before it answers: a slow disk must not delay the status.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signalbox_journal::SinkState;
use signalbox_runtime::operate::StatusSource;

/// The time that an answer waits for the journal before it falls back on the last report.
const PATIENCE: Duration = Duration::from_millis(250);

/// The journal's last report about its sinks.
#[derive(Debug, Clone)]
pub(crate) struct OrphanReport {
    pub(crate) sinks: Arc<Vec<SinkState>>,
    pub(crate) at: Instant,
}

/// Reads the journal's sinks, one request at a time.
#[derive(Debug, Default)]
pub(crate) struct OrphanReports {
    last: Mutex<Option<OrphanReport>>,
    asking: tokio::sync::Mutex<()>,
}

impl OrphanReports {
    fn last(&self) -> MutexGuard<'_, Option<OrphanReport>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the journal's current report, or the last one if the journal takes longer than a moment; `None` if it
    /// never answered.
    pub(crate) async fn known(self: &Arc<Self>, source: &Arc<dyn StatusSource>) -> Option<OrphanReport> {
        let (orphans, source) = (self.clone(), source.clone());
        // The task goes on by itself, so that the next answer is newer.
        let asked = tokio::spawn(async move { orphans.ask(&*source).await });
        let _ = tokio::time::timeout(PATIENCE, asked).await;
        self.last().clone()
    }

    async fn ask(&self, source: &dyn StatusSource) {
        let asked_at = Instant::now();
        let _asking = self.asking.lock().await;
        if self.last().as_ref().is_some_and(|report| report.at >= asked_at) {
            // The task that held the lock has brought the answer meanwhile.
            return;
        }
        let at = Instant::now();
        if let Ok(sinks) = source.sinks().await {
            *self.last() = Some(OrphanReport {
                sinks: Arc::new(sinks),
                at,
            });
        }
    }
}
