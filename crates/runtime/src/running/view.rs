//! A running pipeline as the admin address sees it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

use signalbox_journal::Journal;

use super::{Running, SinkList};

impl Running {
    /// What the admin address asks.
    pub fn view(&self) -> View {
        View {
            stopping: self.stopping.clone(),
            started: self.started.clone(),
            journal: self.journal.clone(),
            sinks: self.notes.clone(),
        }
    }
}

/// What can be seen of a running pipeline beside its ledger.
#[derive(Clone)]
pub struct View {
    stopping: Arc<AtomicBool>,
    started: Arc<AtomicBool>,
    journal: Arc<dyn Journal>,
    sinks: SinkList,
}

impl View {
    /// Returns `Ok` if every source has started, no stop is in progress, and the journal can be written.
    ///
    /// # Errors
    /// The reason why the pipeline is not ready.
    pub fn ready(&self) -> Result<(), String> {
        if self.stopping.load(Relaxed) {
            return Err("stopping".to_owned());
        }
        if !self.started.load(Relaxed) {
            return Err("starting".to_owned());
        }
        match self.journal.refusing() {
            Some(refusing) => Err(refusing.why),
            None => Ok(()),
        }
    }

    /// What a sink has learnt while running ([`signalbox_core::Sink::notes`]).
    pub fn sink_notes(&self, sink: &str) -> Vec<String> {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        sinks.get(sink).map(|sink| sink.notes()).unwrap_or_default()
    }
}
