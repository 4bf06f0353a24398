//! A running pipeline as the admin address sees it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use signalbox_journal::Journal;

use crate::delivery::Stage;

/// The visible state of a running pipeline beside its ledger. Cheap to clone.
#[derive(Clone)]
pub struct View {
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) started: Arc<AtomicBool>,
    journal: Arc<dyn Journal>,
    sinks: Arc<RwLock<Sinks>>,
    /// The names of the disabled sinks.
    disabled: Arc<RwLock<Vec<Arc<str>>>>,
}

type Sinks = BTreeMap<Arc<str>, Arc<Stage>>;

impl View {
    pub(super) fn new(journal: Arc<dyn Journal>) -> View {
        View {
            stopping: Arc::default(),
            started: Arc::default(),
            journal,
            sinks: Arc::default(),
            disabled: Arc::default(),
        }
    }

    /// Replaces the names of the disabled sinks.
    pub(super) fn set_disabled(&self, names: Vec<Arc<str>>) {
        *self.disabled.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Lists the disabled sinks.
    pub(crate) fn disabled(&self) -> Vec<Arc<str>> {
        self.disabled
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns `Ok` unless a sink is disabled.
    ///
    /// # Errors
    /// A sentence that says how to enable it.
    pub(crate) fn must_be_enabled(&self, sink: &str) -> Result<(), String> {
        if self.disabled().iter().any(|name| **name == *sink) {
            return Err(is_disabled(sink));
        }
        Ok(())
    }

    /// Adds a sink, or replaces the one of this name.
    pub(super) fn show(&self, name: &Arc<str>, stage: Arc<Stage>) {
        let mut sinks = self.sinks.write().unwrap_or_else(PoisonError::into_inner);
        sinks.insert(name.clone(), stage);
    }

    /// Returns the steps of a sink that runs: its filters, transforms and mappings.
    pub fn stage(&self, sink: &str) -> Option<Arc<Stage>> {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        sinks.get(sink).cloned()
    }

    /// Removes a sink.
    pub(super) fn hide(&self, name: &str) {
        let mut sinks = self.sinks.write().unwrap_or_else(PoisonError::into_inner);
        sinks.remove(name);
    }

    /// Lists the notes of all sinks, with the sinks' names.
    pub(super) fn all_notes(&self) -> Vec<(Arc<str>, String)> {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let notes = |(name, stage): (Arc<str>, Arc<Stage>)| {
            let notes = stage.sink.notes().into_iter();
            notes.map(move |note| (name.clone(), note))
        };
        sinks.into_iter().flat_map(notes).collect()
    }

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

    /// Lists a sink's findings while running ([`signalbox_core::Sink::notes`]).
    pub fn sink_notes(&self, sink: &str) -> Vec<String> {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        sinks
            .get(sink)
            .map(|stage| stage.sink.notes())
            .unwrap_or_default()
    }
}

/// Returns the refusal of an action on a disabled sink, which says what to do.
pub(crate) fn is_disabled(sink: &str) -> String {
    format!(
        "the sink '{sink}' is disabled and is delivered nothing: take enabled = false out of [sinks.{sink}], start or reload \
         the router with that, and then repeat the command"
    )
}
