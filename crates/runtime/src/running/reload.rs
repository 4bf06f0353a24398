//! Reloads: changed components give way to their successors.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::StartError;

use super::{Running, SourceHandle, groups, members, names};
use crate::dead_letters::DeadLetters;
use crate::ledger::Ledger;
use crate::pipeline::{BuiltSource, Pipeline};
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
        self.ledger = ledger;
        self.dead_letters = Arc::new(DeadLetters::new(pipeline.dead_letters.personal_data));
        let same_sinks: Vec<Arc<str>> = pipeline
            .sinks
            .iter()
            .filter(|new| {
                self.sinks.get(&new.options.name).is_some_and(|old| {
                    old.fingerprint == new.fingerprint && !old.expects_any(&pipeline.sources)
                })
            })
            .map(|new| new.options.name.clone())
            .collect();
        let mut leaving = Vec::new();
        let changed: Vec<Arc<str>> = self
            .sinks
            .keys()
            .filter(|name| !same_sinks.contains(name))
            .cloned()
            .collect();
        for name in changed {
            if let Some(handle) = self.sinks.remove(&name) {
                handle.stop.leave.cancel();
                leaving.push((name, handle));
            }
        }
        for (name, handle) in leaving {
            self.view.hide(&name);
            if let Ok(parts) = handle.task.await {
                parts.stage.sink.close().await;
            }
        }
        // Another group may have counted the calls of a new one until now.
        self.rate_groups.arrange(members(&pipeline.sinks), Duration::ZERO);
        self.tenures = self.journal.tenures(groups(&pipeline.sinks));
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
        problems.extend(self.reload_sources(pipeline.sources).await);
        self.watch_orphans();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(StartError(problems.join("; ")))
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
