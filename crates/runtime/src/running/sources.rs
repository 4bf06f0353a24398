//! The sources of a running pipeline.

use std::sync::{Arc, PoisonError, RwLock};

use signalbox_core::{Outlet, SourceContext, StartError};
use tokio_util::sync::CancellationToken;

use super::Running;
use super::handles::SourceHandle;
use crate::checkpoints::SourceCheckpoints;
use crate::intake::{Listener, SourceIntake};
use crate::pipeline::BuiltSource;
use crate::plain_values::Watch;
use crate::source_notes::SourceNotes;
use crate::tester::TestedSource;

impl Running {
    /// True if a source runs on this router. One that runs on another router alone stays as it is built, and its ledger says
    /// where it runs.
    pub(super) fn runs_here(&self, source: &BuiltSource) -> bool {
        let other = source
            .only_on
            .as_ref()
            .filter(|only_on| self.node.as_ref() != Some(*only_on));
        let other = other.filter(|_| self.shared);
        if let Some(ledger) = self.ledger.sources.get(&source.name) {
            ledger.set_runs_on(other.cloned());
        }
        if let Some(node) = other {
            tracing::info!(source = %source.name, "runs on {node} alone, which is another router");
        }
        other.is_none()
    }

    pub(super) async fn start_source(&mut self, built: BuiltSource) -> Result<(), StartError> {
        let name = built.name;
        let ledger = self.ledger.sources.get(&name).cloned().unwrap_or_default();
        // The present values come from a source that a reload has replaced.
        ledger.vitals.reset();
        let intake = Arc::new(SourceIntake {
            name: name.clone(),
            transforms: built.transforms,
            watch: built.kept_plain.map(Watch::new),
            journal: self.journal.clone(),
            ledger: ledger.clone(),
            listeners: RwLock::new(self.listeners(&name)),
            dead_letters: self.dead_letters.clone(),
            notes: self
                .ledger
                .history
                .clone()
                .map(|history| SourceNotes::new(history, &name)),
            taps: self.ledger.taps.clone(),
            closed: self.ending.closed.clone(),
        });
        let tested = TestedSource {
            intake: intake.clone(),
            through: built.through.into(),
        };
        let shutdown = CancellationToken::new();
        let access = self.sockets.access(name.clone());
        let context = SourceContext {
            name: name.clone(),
            outlet: Outlet::new(intake.clone()),
            vitals: ledger.vitals.clone(),
            shutdown: shutdown.clone(),
            sockets: access.sockets(),
            checkpoints: Arc::new(SourceCheckpoints {
                source: name.clone(),
                journal: self.journal.clone(),
            }),
        };
        let task = built.source.start(context).await;
        let task = task.map_err(|error| StartError(format!("sources.{name}: {error}")))?;
        self.tasks.spawn({
            let name = name.clone();
            async move { (name, task.await) }
        });
        self.view.show_source(&name, tested);
        self.sources.insert(
            name,
            SourceHandle {
                access,
                shutdown,
                intake,
                fingerprint: built.fingerprint,
            },
        );
        Ok(())
    }

    /// Lists the sinks that a source's events are for. The journal decides, so that the counts match what sinks read.
    fn listeners(&self, source: &str) -> Vec<Listener> {
        let listening = self.sinks.iter().filter(|(_, sink)| sink.owed.listens_to(source));
        listening
            .filter_map(|(name, sink)| {
                let ledger = self.ledger.sinks.get(name)?.clone();
                Some(Listener {
                    name: name.clone(),
                    ledger,
                    shed: sink.kept.options.shed_when_full.then(|| sink.shed.clone()),
                })
            })
            .collect()
    }

    /// Updates the sinks for which a source counts.
    pub(super) fn listen(&self, name: &str, source: &SourceHandle) {
        let mut listeners = source
            .intake
            .listeners
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *listeners = self.listeners(name);
    }
}
