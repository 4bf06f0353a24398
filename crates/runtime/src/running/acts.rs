//! Acts of operators on the sinks and sources of a running pipeline.

use std::sync::Arc;

use signalbox_core::{Event, Fate};
use signalbox_journal::Journal;

use super::Running;
use crate::debts::{Listeners, Listening, others_have};
use crate::delivery::{Parts, SinkOptions};
use crate::forget::{Forget, Forgotten, known_sinks};
use crate::telemetry::SinkMeters;

impl Running {
    /// Stops a sink's deliveries, applies `change` to its state in the journal and to its parts, and continues from there.
    /// If another router drives the sink, the change makes its driver continue from there.
    ///
    /// # Errors
    /// The error of `change`, or a sentence if there is no such sink.
    pub async fn rewind<T, F>(&mut self, sink: &str, meters: SinkMeters, change: F) -> Result<T, String>
    where
        F: AsyncFnOnce(&Arc<dyn Journal>, &mut Parts) -> Result<T, String>,
    {
        self.view.must_be_enabled(sink)?;
        let (mut parts, mut kept) = self.take_out(sink).await?;
        let changed = change(&self.journal, &mut parts).await;
        // The debts were reported when the sink was first opened.
        kept.untold.take();
        let placed = self.place(parts, kept, meters).await;
        self.follow_tenures();
        placed.map_err(|error| error.to_string())?;
        // The ledgers that sources count into stay the same; only the handles for load shedding are new.
        for (name, source) in &self.sources {
            self.listen(name, source);
        }
        changed
    }

    /// Stops the deliveries of all sinks that this router drives, runs `work` on the journal, and continues.
    ///
    /// # Errors
    /// The error of `work`, or a sentence if a sink cannot go on.
    pub async fn at_rest<T, F>(&mut self, meters: impl Fn(&str) -> SinkMeters, work: F) -> Result<T, String>
    where
        F: AsyncFnOnce(&Arc<dyn Journal>) -> Result<T, String>,
    {
        if let Some(orphans) = self.orphans.take() {
            orphans.end().await;
        }
        for handle in self.sinks.values() {
            handle.stop.leave.cancel();
        }
        let (mut stopped, mut problem) = (Vec::new(), None);
        let driven: Vec<Arc<str>> = self.sinks.keys().cloned().collect();
        for name in driven {
            match self.take_out(&name).await {
                Ok(sink) => stopped.push((name, sink)),
                Err(ended) => problem = Some(ended),
            }
        }
        // A reader that is being opened would begin in the middle of the work.
        self.waiting
            .values_mut()
            .for_each(|waiting| waiting.opening = None);
        let done = work(&self.journal).await;
        for (name, (parts, mut kept)) in stopped {
            // The debts were reported when the sink was first opened.
            kept.untold.take();
            if let Err(error) = self.place(parts, kept, meters(&name)).await {
                problem = Some(error.to_string());
            }
        }
        self.follow_tenures();
        for (name, source) in &self.sources {
            self.listen(name, source);
        }
        if let Err(error) = self.restore_disabled().await {
            problem = Some(error);
        }
        self.watch_orphans();
        match problem {
            Some(problem) => Err(problem),
            None => done,
        }
    }

    /// Notes that events of a sink came back from the dead letters: they count as journalled for it again. The journal tells
    /// another router that drives it.
    pub fn returned(&self, sink: &str, events: u64) {
        if let (Some(handle), Some(ledger)) = (self.sinks.get(sink), self.ledger.sinks.get(sink)) {
            ledger.journalled.add(events);
            handle.returned.notify_one();
        }
    }

    /// True if a sink is configured and runs, here or at another router.
    pub fn has_sink(&self, sink: &str) -> bool {
        self.sinks.contains_key(sink) || self.waiting.contains_key(sink)
    }

    /// True if another router drives a sink, or none for the moment.
    pub fn is_elsewhere(&self, sink: &str) -> bool {
        self.waiting.contains_key(sink)
    }

    /// True if a source is configured and runs.
    pub fn has_source(&self, source: &str) -> bool {
        self.sources.contains_key(source)
    }

    /// Lists the sinks of this pipeline and their inputs.
    fn listeners_of_all(&self) -> Listeners {
        let driven = self.sinks.values().map(|sink| &sink.kept.options);
        let all = driven.chain(self.waiting.values().map(|sink| &sink.kept.options));
        let sink = |options: &Arc<SinkOptions>| {
            let inputs = options.inputs.iter().map(ToString::to_string).collect();
            let filters = options.filter_removed;
            (options.name.to_string(), Listening { inputs, filters })
        };
        Listeners {
            roster: self.roster.clone(),
            sinks: all.map(sink).collect(),
        }
    }

    /// Forgets events that sinks are owed and that the pipeline no longer mentions.
    ///
    /// # Errors
    /// A sentence that says why the events are not forgotten.
    pub async fn forget(
        &mut self,
        what: &Forget,
        meters: impl Fn(&str) -> SinkMeters,
    ) -> Result<Vec<Forgotten>, String> {
        if let Some(orphans) = self.orphans.take() {
            orphans.end().await;
        }
        let forgotten = self.forget_now(what, meters).await;
        self.watch_orphans();
        forgotten
    }

    async fn forget_now(
        &mut self,
        what: &Forget,
        meters: impl Fn(&str) -> SinkMeters,
    ) -> Result<Vec<Forgotten>, String> {
        let known = known_sinks(&*self.journal).await?;
        let given_up = what.unreadable(&known).is_some();
        let mut forgotten = Vec::new();
        for name in what.sinks(&known, &self.listeners_of_all())? {
            if !given_up && !self.has_sink(&name) && others_have(&*self.journal, &name) {
                return Err(format!(
                    "the sink '{name}' is in the file of another router that shares the journal, so its pending events are \
                     delivered; take it out of that file first"
                ));
            }
            let one = if self.has_sink(&name) {
                let change =
                    async |journal: &Arc<dyn Journal>, _: &mut Parts| what.apply(&**journal, &name).await;
                self.rewind(&name, meters(&name), change).await?
            } else {
                what.apply(&*self.journal, &name).await?
            };
            forgotten.push(one);
        }
        self.restore_disabled().await?;
        Ok(forgotten)
    }

    /// Takes in an event again, as if its source sent it now.
    ///
    /// # Errors
    /// A sentence if there is no such source, or if it refuses.
    pub async fn resend(&self, source: &str, event: Event) -> Result<Fate, String> {
        let handle = self
            .sources
            .get(source)
            .ok_or_else(|| format!("there is no source '{source}'"))?;
        let sent = handle.intake.send_unpaced(vec![event]).await;
        let fates = sent.map_err(|refused| format!("the source refuses ({})", refused.cause.code()))?;
        fates
            .into_iter()
            .next()
            .ok_or_else(|| "the source took nothing".to_owned())
    }
}
