//! A running pipeline as the admin address sees it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use signalbox_config::ComponentOutline;
use signalbox_core::Rated;
use signalbox_journal::Journal;

use crate::delivery::Stage;
use crate::scores::{DestinationScores, ScoreWatch};
use crate::tester::{TestedSink, TestedSource, Tester};

/// The visible state of a running pipeline beside its ledger. Cheap to clone.
#[derive(Clone)]
pub struct View {
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) started: Arc<AtomicBool>,
    journal: Arc<dyn Journal>,
    sinks: Arc<RwLock<Sinks>>,
    sources: Arc<RwLock<BTreeMap<Arc<str>, TestedSource>>>,
    /// The components of the file.
    outline: Arc<RwLock<Arc<[ComponentOutline]>>>,
    /// The names of the disabled sinks.
    disabled: Arc<RwLock<Vec<Arc<str>>>>,
}

type Sinks = BTreeMap<Arc<str>, Arc<Shown>>;

/// A sink, and what its destination says about events.
struct Shown {
    tested: TestedSink,
    scores: ScoreWatch,
}

impl View {
    pub(super) fn new(journal: Arc<dyn Journal>) -> View {
        View {
            stopping: Arc::default(),
            started: Arc::default(),
            journal,
            sinks: Arc::default(),
            sources: Arc::default(),
            outline: Arc::new(RwLock::new(Arc::new([]))),
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
    pub(super) fn show(&self, name: &Arc<str>, tested: TestedSink) {
        let scores = ScoreWatch::start(name.clone(), tested.stage.sink.clone());
        let shown = Arc::new(Shown { tested, scores });
        let mut sinks = self.sinks.write().unwrap_or_else(PoisonError::into_inner);
        sinks.insert(name.clone(), shown);
    }

    /// Returns the steps of a sink that runs: its filters, transforms and mappings.
    pub(crate) fn stage(&self, sink: &str) -> Option<Arc<Stage>> {
        Some(self.shown(sink)?.tested.stage.clone())
    }

    /// Removes a sink.
    pub(super) fn hide(&self, name: &str) {
        let mut sinks = self.sinks.write().unwrap_or_else(PoisonError::into_inner);
        sinks.remove(name);
    }

    /// Replaces the description of the components.
    pub(super) fn set_outline(&self, components: Vec<ComponentOutline>) {
        *self.outline.write().unwrap_or_else(PoisonError::into_inner) = components.into();
    }

    /// Returns the components of the running file.
    pub(crate) fn outline(&self) -> Arc<[ComponentOutline]> {
        self.outline
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Adds a source, or replaces the one of this name.
    pub(super) fn show_source(&self, name: &Arc<str>, source: TestedSource) {
        let mut sources = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        sources.insert(name.clone(), source);
    }

    /// Removes a source.
    pub(super) fn hide_source(&self, name: &str) {
        let mut sources = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        sources.remove(name);
    }

    /// Returns the components as they run now, for tests of events.
    pub(crate) fn tester(&self) -> Tester {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        let sinks = sinks
            .iter()
            .map(|(name, shown)| (name.clone(), shown.tested.clone()));
        let sources = self.sources.read().unwrap_or_else(PoisonError::into_inner);
        Tester {
            sinks: sinks.collect(),
            sources: sources.clone(),
        }
    }

    /// Lists the notes of all sinks, with the sinks' names.
    pub(super) fn all_notes(&self) -> Vec<(Arc<str>, String)> {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let notes = |(name, shown): (Arc<str>, Arc<Shown>)| {
            let notes = shown.tested.stage.sink.notes().into_iter();
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
        let shown = self.shown(sink);
        shown
            .map(|shown| shown.tested.stage.sink.notes())
            .unwrap_or_default()
    }

    /// Names the facts by which a sink's destination rates events of this name ([`signalbox_core::Sink::rated`]).
    pub(crate) fn rated(&self, sink: &str, event_name: &str) -> Option<Rated> {
        self.shown(sink)?.tested.stage.sink.rated(event_name)
    }

    /// Returns the scores that a sink's destination gives.
    pub(crate) fn scores(&self, sink: &str) -> Option<DestinationScores> {
        self.shown(sink)?.scores.known()
    }

    /// Asks destinations for no more scores.
    pub(super) fn end_scores(&self) {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        sinks.values().for_each(|shown| shown.scores.stop());
    }

    fn shown(&self, sink: &str) -> Option<Arc<Shown>> {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        sinks.get(sink).cloned()
    }
}

/// Returns the refusal of an action on a disabled sink, which says what to do.
pub(crate) fn is_disabled(sink: &str) -> String {
    format!(
        "the sink '{sink}' is disabled and is delivered nothing: take enabled = false out of [sinks.{sink}], start or reload \
         the router with that, and then repeat the command"
    )
}
