//! The outlet's side of a source: what stands behind it, and how fast that may take in.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use signalbox_core::{Event, Fate, Intake, Reason, Refused, RejectedInput};

use crate::intake::{Entrance, SourceIntake};
use crate::ledger::SinkLedger;

/// An [`Entrance`] that answers no faster than the sinks can follow; see [`crate::backpressure`].
pub(crate) struct Gate(pub(crate) Arc<SourceIntake>);

#[async_trait]
impl Intake for Gate {
    async fn send(&self, events: Vec<Event>) -> Result<Vec<Fate>, Refused> {
        let fates = Entrance(self.0.clone()).send(events).await?;
        let mut next = 0;
        while let Some(sink) = self.sink(next) {
            sink.backpressure.wait(sink.journalled.get()).await;
            next += 1;
        }
        Ok(fates)
    }

    async fn reject(&self, rejected: Vec<RejectedInput>) -> Result<(), Refused> {
        Entrance(self.0.clone()).reject(rejected).await
    }

    fn refuse(&self, events: u64, reason: Reason) {
        Entrance(self.0.clone()).refuse(events, reason);
    }
}

impl Gate {
    /// One after another, since a reload may change them meanwhile.
    fn sink(&self, index: usize) -> Option<Arc<SinkLedger>> {
        let listeners = self.0.listeners.read().unwrap_or_else(PoisonError::into_inner);
        listeners.get(index).map(|listener| listener.ledger.clone())
    }
}
