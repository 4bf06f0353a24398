//! What stands behind a source's outlet: its transforms, then the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::{Event, Fate, Flow, Intake, Reason, Refused, RefusedCause, RejectedInput, Transform};
use signalbox_journal::{AppendError, Journal};

use crate::dead_letters::{DeadLetter, DeadLetters};
use crate::delivery::guard;
use crate::ledger::{SinkLedger, SourceLedger};

/// How long clients are told to wait while the router stops: another process may take over by then.
const STOPPING_RETRY: Duration = Duration::from_secs(5);

/// One source's way into the journal.
pub(crate) struct SourceIntake {
    pub(crate) name: Arc<str>,
    pub(crate) transforms: Vec<Box<dyn Transform>>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) ledger: Arc<SourceLedger>,
    /// The sinks that listen to this source.
    pub(crate) sinks: Vec<Arc<SinkLedger>>,
    pub(crate) dead_letters: Arc<DeadLetters>,
    pub(crate) stopping: Arc<AtomicBool>,
}

impl SourceIntake {
    /// What the source's transforms say to each event; an error refuses all of them.
    fn transform(&self, events: &mut [Event]) -> Result<Vec<Fate>, Refused> {
        events.iter_mut().map(|event| self.transform_one(event)).collect()
    }

    fn transform_one(&self, event: &mut Event) -> Result<Fate, Refused> {
        for transform in &self.transforms {
            match guard("transform_panicked", || transform.apply(event)) {
                Ok(Flow::Pass) => {}
                Ok(Flow::Filtered(reason)) => return Ok(Fate::Filtered(reason)),
                Ok(Flow::Rejected(reason)) | Err(reason) => return Ok(Fate::Rejected(reason)),
                Ok(Flow::Refuse { after }) => return Err(refused(RefusedCause::RateLimited, after)),
                // Building the pipeline refuses transforms that wait on a source.
                Ok(Flow::NotBefore(until)) => {
                    let after = until.saturating_duration_since(std::time::Instant::now());
                    return Err(refused(RefusedCause::RateLimited, after));
                }
            }
        }
        Ok(Fate::Accepted)
    }

    fn bury(&self, message_id: &str, reason: &Reason) {
        let component = format!("source:{}", self.name);
        self.dead_letters
            .add(DeadLetter::new(&component, message_id, "", reason));
        self.ledger.rejected.add(reason.code(), 1);
    }

    async fn try_send(&self, mut events: Vec<Event>) -> Result<Vec<Fate>, Refused> {
        if self.stopping.load(Relaxed) {
            return Err(refused(RefusedCause::Stopping, STOPPING_RETRY));
        }
        if self.transforms.is_empty() {
            let count = events.len();
            self.append(events).await?;
            return Ok(vec![Fate::Accepted; count]);
        }
        let fates = self.transform(&mut events)?;
        let ids: Vec<String> = events.iter().map(|event| event.message_id().to_owned()).collect();
        let mut keep = fates.iter().map(|fate| *fate == Fate::Accepted);
        events.retain(|_| keep.next().unwrap_or(false));
        self.append(events).await?;
        for (fate, id) in fates.iter().zip(ids) {
            match fate {
                Fate::Filtered(reason) => self.ledger.filtered.add(reason.code(), 1),
                Fate::Rejected(reason) => self.bury(&id, reason),
                Fate::Accepted | Fate::Duplicate => {}
            }
        }
        Ok(fates)
    }

    async fn append(&self, events: Vec<Event>) -> Result<(), Refused> {
        let count = events.len() as u64;
        if count == 0 {
            return Ok(());
        }
        self.journal.append(events).await.map_err(|error| match error {
            AppendError::Full { retry_after } => refused(RefusedCause::Full, retry_after),
            AppendError::Closed => refused(RefusedCause::Stopping, STOPPING_RETRY),
        })?;
        self.ledger.journalled.add(count);
        for sink in &self.sinks {
            sink.journalled.add(count);
        }
        Ok(())
    }
}

fn refused(cause: RefusedCause, retry_after: Duration) -> Refused {
    Refused { cause, retry_after }
}

#[async_trait]
impl Intake for SourceIntake {
    async fn send(&self, events: Vec<Event>) -> Result<Vec<Fate>, Refused> {
        let count = events.len() as u64;
        self.ledger.received.add(count);
        let result = self.try_send(events).await;
        if let Err(refused) = &result {
            self.ledger.refused.add(refused.cause.code(), count);
        }
        result
    }

    fn reject(&self, rejected: Vec<RejectedInput>) {
        self.ledger.received.add(rejected.len() as u64);
        for input in rejected {
            self.bury(input.message_id.as_deref().unwrap_or_default(), &input.reason);
        }
    }

    fn refuse(&self, events: u64, reason: Reason) {
        self.ledger.received.add(events);
        self.ledger.refused.add(reason.code(), events);
    }
}
