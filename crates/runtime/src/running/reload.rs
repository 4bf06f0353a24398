//! Reloads: changed components give way to their successors.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::StartError;

use super::handles::SourceHandle;
use super::report::OwnFacts;
use super::{Running, groups, members, names};
use crate::dead_letters::DeadLetters;
use crate::ledger::Ledger;
use crate::pipeline::{BuiltSink, BuiltSource, Pipeline};
use crate::telemetry::Telemetry;

impl Running {
    /// Replaces this pipeline by another one. Unchanged components continue untouched; a changed sink finishes its requests
    /// under way, and its successor continues from there; a changed source keeps its listening socket.
    ///
    /// # Errors
    /// The components that could not start. The rest of the new pipeline runs; no accepted event is lost.
    pub async fn reload(
        &mut self,
        pipeline: Pipeline,
        ledger: Ledger,
        telemetry: Option<&Telemetry>,
    ) -> Result<(), StartError> {
        if let Some(orphans) = self.orphans.take() {
            // One of these sinks may be back.
            orphans.end().await;
        }
        self.retention = pipeline.journal.orphan_retention.map(|span| span.0);
        let roster = pipeline.roster();
        self.roster.clone_from(&roster);
        let counted: Vec<Arc<str>> = self.ledger.sources.keys().cloned().collect();
        self.followed.tell(OwnFacts::of(&pipeline, &ledger));
        self.ledger = ledger;
        self.dead_letters = Arc::new(DeadLetters::new(pipeline.dead_letters.personal_data));
        let same_sinks: Vec<Arc<str>> = pipeline
            .sinks
            .iter()
            .filter(|new| self.is_same(new, &pipeline.sources))
            .map(|new| new.options.name.clone())
            .collect();
        self.take_out_others(&same_sinks).await;
        // Another group may have counted the calls of a new one until now.
        self.rate_groups.arrange(members(&pipeline.sinks), Duration::ZERO);
        self.turns.set(self.journal.tenures(groups(&pipeline.sinks)));
        self.followed.clear();
        let mut problems = Vec::new();
        if let Err(error) = self.journal.adopt(&roster).await {
            problems.push(error.to_string());
        }
        self.view.set_disabled(names(&pipeline.disabled));
        self.view.set_outline(pipeline.components);
        problems.extend(self.restore_disabled().await.err());
        // Sources whose counts do not continue from the running ones.
        let began = |name: &str| {
            let was = roster.sources.iter().find(|source| source.name == name);
            let was = was.and_then(|source| source.was.as_deref()).unwrap_or(name);
            !counted.iter().any(|source| **source == *name || **source == *was)
        };
        problems.extend(self.restore_sources(began).await.err());
        for sink in pipeline.sinks {
            if !same_sinks.contains(&sink.options.name)
                && let Err(error) = self.start_sink(sink, telemetry).await
            {
                problems.push(error.to_string());
            }
        }
        self.follow_tenures();
        problems.extend(self.reload_sources(pipeline.sources).await);
        self.watch_orphans();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(StartError(problems.join("; ")))
        }
    }

    /// True if a sink of the new pipeline has not changed.
    fn is_same(&self, new: &BuiltSink, sources: &[BuiltSource]) -> bool {
        let name = &new.options.name;
        let driven = self.sinks.get(name);
        let waiting = self.waiting.get(name);
        driven.is_some_and(|old| old.kept.fingerprint == new.fingerprint && !old.expects_any(sources))
            || waiting.is_some_and(|old| old.kept.fingerprint == new.fingerprint)
    }

    /// Takes all sinks but these out of the pipeline, once their requests under way have ended.
    async fn take_out_others(&mut self, stay: &[Arc<str>]) {
        let all = self.sinks.keys().chain(self.waiting.keys());
        let leaving: Vec<Arc<str>> = all.filter(|name| !stay.contains(name)).cloned().collect();
        for name in &leaving {
            if let Some(handle) = self.sinks.get(name) {
                handle.stop.leave.cancel();
            }
        }
        for name in leaving {
            self.view.hide(&name);
            // A driver that panicked leaves no parts.
            if let Ok((parts, _)) = self.take_out(&name).await {
                parts.stage.sink.close().await;
            }
        }
    }

    async fn reload_sources(&mut self, sources: Vec<BuiltSource>) -> Vec<String> {
        let mut problems = Vec::new();
        let mut old = std::mem::take(&mut self.sources);
        let stays = |name: &Arc<str>, handle: &SourceHandle| {
            sources
                .iter()
                .any(|new| new.name == *name && new.fingerprint == handle.fingerprint)
        };
        old.iter()
            .filter(|(name, handle)| !stays(name, handle))
            .for_each(|(_, handle)| handle.access.leave());
        for source in sources {
            if !self.runs_here(&source) {
                // It ends below if it ran here until now.
                continue;
            }
            match old.remove(&source.name) {
                Some(handle) if handle.fingerprint == source.fingerprint => {
                    self.listen(&source.name, &handle);
                    self.sources.insert(source.name, handle);
                }
                replaced => {
                    // The new source listens before the old one ends, so no connection is refused.
                    let name = source.name.clone();
                    if let Some(handle) = &replaced {
                        self.listen(&name, handle);
                    }
                    if let Err(error) = self.start_source(source).await {
                        problems.push(error.to_string());
                        if let Some(handle) = replaced {
                            self.sources.insert(name, handle);
                        }
                    } else if let Some(handle) = replaced {
                        handle.shutdown.cancel();
                    }
                }
            }
        }
        for (name, handle) in old {
            self.view.hide_source(&name);
            // The source may have requests under way.
            self.listen(&name, &handle);
            handle.shutdown.cancel();
        }
        problems
    }
}
