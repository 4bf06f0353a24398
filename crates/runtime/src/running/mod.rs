//! A running pipeline, and the operators' actions on it: reload, replay, retry of dead letters, stop.

mod ending;
mod reload;
mod stop;
mod view;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use signalbox_core::{Event, Fate, Outlet, SourceContext, StartError};
use signalbox_journal::{Group, Journal, Owed, Roster, SinkState, Start, Subscription, Tenures};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::checkpoints::SourceCheckpoints;
use crate::dead_letters::DeadLetters;
use crate::debts::{self, Debt, Listeners, Listening};
use crate::delivery::{Driver, LoadShed, Parts, Stop};
use crate::forget::{Forget, Forgotten};
use crate::intake::{Listener, SourceIntake};
use crate::ledger::Ledger;
use crate::orphans::Orphans;
use crate::pipeline::{BuiltSink, BuiltSource, Pipeline};
use crate::plain_values::Watch;
use crate::rate_group::{Member, RateGroups};
use crate::sockets::{OpenSockets, SocketAccess};
use crate::source_notes::SourceNotes;
use crate::telemetry::{SinkMeters, Telemetry};
use crate::tester::TestedSource;

use ending::Ending;
pub use view::View;
pub(crate) use view::is_disabled;

/// A running pipeline: sources taking in, sinks delivering.
pub struct Running {
    ledger: Ledger,
    dead_letters: Arc<DeadLetters>,
    journal: Arc<dyn Journal>,
    sockets: Arc<OpenSockets>,
    sinks: BTreeMap<Arc<str>, SinkHandle>,
    sources: BTreeMap<Arc<str>, SourceHandle>,
    /// The tasks of all sources, including sources that a reload replaced.
    tasks: JoinSet<(Arc<str>, Result<(), StartError>)>,
    rate_groups: RateGroups,
    /// The sinks that this router may drive.
    tenures: watch::Receiver<Tenures>,
    ending: Ending,
    view: View,
    roster: Roster,
    orphans: Option<Orphans>,
    /// Time for which sinks keep their unsettled events after they have left the file.
    retention: Option<Duration>,
}

/// Delay of the sinks' notes after the start. Sinks may read files for them (the certificates of the system), which must
/// not delay the first events.
const NOTES_AFTER: Duration = Duration::from_secs(1);

/// Logs the notes of the sinks for the operator.
async fn log_notes(view: View) {
    tokio::time::sleep(NOTES_AFTER).await;
    let logged = tokio::task::spawn_blocking(move || {
        for (name, note) in view.all_notes() {
            tracing::warn!(sink = %name, "{note}");
        }
    });
    // An error means that the router has ended or a plugin panicked, which the panic hook has logged.
    let _ = logged.await;
}

/// Lists the sinks of a pipeline as members of their rate groups.
fn members(sinks: &[BuiltSink]) -> impl Iterator<Item = Member<'_>> {
    sinks.iter().map(|sink| sink.options.requests.member())
}

/// Lists the names of sinks.
fn names(sinks: &[BuiltSink]) -> Vec<Arc<str>> {
    sinks.iter().map(|sink| sink.options.name.clone()).collect()
}

/// Lists the rate groups of a pipeline with their sinks.
fn groups(sinks: &[BuiltSink]) -> Vec<Group> {
    let mut groups: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
    for BuiltSink { options, .. } in sinks {
        let members = groups.entry(options.requests.rate_group.clone()).or_default();
        members.push(options.name.clone());
    }
    let group = |(name, sinks)| Group { name, sinks };
    groups.into_iter().map(group).collect()
}

struct SinkHandle {
    stop: Stop,
    shed: Arc<LoadShed>,
    /// Notified when events return from the dead letters.
    returned: Arc<Notify>,
    task: JoinHandle<Parts>,
    inputs: Vec<Arc<str>>,
    owed: Owed,
    /// Events of former inputs that the sink was owed when it was opened; `None` once reported.
    untold: Option<BTreeMap<String, u64>>,
    filters: bool,
    sheds: bool,
    fingerprint: u64,
}

impl SinkHandle {
    /// True if the journal counts events of one of these sources as the sink's although the source is not an input: it
    /// was an input when it left the pipeline, and is back now.
    fn expects_any(&self, sources: &[BuiltSource]) -> bool {
        let unasked =
            |source: &BuiltSource| self.owed.listens_to(&source.name) && !self.inputs.contains(&source.name);
        sources.iter().any(unasked)
    }
}

struct SourceHandle {
    /// Keeps its listening sockets open.
    access: SocketAccess,
    shutdown: CancellationToken,
    intake: Arc<SourceIntake>,
    fingerprint: u64,
}

impl Running {
    /// Creates the ledgers of a pipeline that is about to start, for telemetry.
    pub fn ledger_of(pipeline: &Pipeline) -> Ledger {
        Ledger {
            sources: pipeline
                .sources
                .iter()
                .map(|s| (s.name.clone(), Arc::default()))
                .collect(),
            sinks: pipeline
                .sinks
                .iter()
                .chain(&pipeline.disabled)
                .map(|s| (s.options.name.clone(), Arc::default()))
                .collect(),
            ..Ledger::default()
        }
    }

    /// Starts the sinks where they left off, then the sources.
    ///
    /// # Errors
    /// [`StartError`] of the first component that cannot start; what had started is stopped again.
    pub async fn start(
        pipeline: Pipeline,
        journal: Arc<dyn Journal>,
        ledger: Ledger,
        telemetry: Option<&Telemetry>,
        sockets: Arc<OpenSockets>,
    ) -> Result<Running, StartError> {
        let mut running = Running {
            ledger,
            dead_letters: Arc::new(DeadLetters::new(pipeline.dead_letters.personal_data)),
            view: View::new(journal.clone()),
            journal,
            sockets,
            sinks: BTreeMap::new(),
            sources: BTreeMap::new(),
            tasks: JoinSet::new(),
            rate_groups: RateGroups::default(),
            tenures: watch::channel(Tenures::default()).1,
            ending: Ending::default(),
            roster: pipeline.roster(),
            orphans: None,
            retention: pipeline.journal.orphan_retention.map(|span| span.0),
        };
        let started = running.start_all(pipeline, telemetry).await;
        if let Err(error) = started {
            running.stop(Duration::from_secs(1)).await;
            return Err(error);
        }
        running.view.started.store(true, Relaxed);
        running.watch_orphans();
        tokio::spawn(log_notes(running.view.clone()));
        Ok(running)
    }

    /// Begins to make dead letters of removed sinks' events once their time is over, if `orphan_retention` is set.
    fn watch_orphans(&mut self) {
        self.orphans = self.retention.map(|retention| {
            let (journal, roster) = (self.journal.clone(), self.roster.clone());
            Orphans::watch(journal, self.dead_letters.clone(), roster, retention)
        });
    }

    async fn start_all(
        &mut self,
        pipeline: Pipeline,
        telemetry: Option<&Telemetry>,
    ) -> Result<(), StartError> {
        let adopted = self.journal.adopt(&self.roster).await;
        adopted.map_err(|error| StartError(error.to_string()))?;
        self.view.set_disabled(names(&pipeline.disabled));
        self.view.set_outline(pipeline.components);
        self.restore_disabled().await.map_err(StartError)?;
        let sources: Vec<Arc<str>> = self.ledger.sources.keys().cloned().collect();
        self.restore_sources(|name| sources.iter().any(|source| **source == *name))
            .await
            .map_err(StartError)?;
        // Without a known idle time, the previous process may have called a moment ago.
        let idle = self.journal.idle_before().unwrap_or_default();
        self.tenures = self.journal.tenures(groups(&pipeline.sinks));
        let first = self.tenures.borrow().are_first();
        let idle = if first { idle } else { Duration::ZERO };
        self.rate_groups.arrange(members(&pipeline.sinks), idle);
        for sink in pipeline.sinks {
            self.start_sink(sink, telemetry).await?;
        }
        self.journal.all_opened();
        for debt in self.debts().await.map_err(StartError)? {
            tracing::warn!("{debt}");
        }
        for source in pipeline.sources {
            self.start_source(source).await?;
        }
        Ok(())
    }

    /// Restores the earlier counts of sources.
    async fn restore_sources(&self, which: impl Fn(&str) -> bool) -> Result<(), String> {
        let saved = self.journal.source_totals().await;
        for (name, totals) in saved.map_err(|error| error.to_string())? {
            if let Some(ledger) = self.ledger.sources.get(name.as_str()).filter(|_| which(&name)) {
                ledger.restore(&totals);
            }
        }
        Ok(())
    }

    /// Sets the ledgers of disabled sinks to the journal's counts, since no driver does so. The journal does not
    /// know a sink that was never enabled.
    async fn restore_disabled(&self) -> Result<(), String> {
        let disabled = self.view.disabled();
        if disabled.is_empty() {
            return Ok(());
        }
        let known = self.journal.sinks().await.map_err(|error| error.to_string())?;
        for name in disabled {
            if let Some(ledger) = self.ledger.sinks.get(&name) {
                let state = known.iter().find(|state| *state.name == *name);
                ledger.disable(state.unwrap_or(&SinkState::default()));
            }
        }
        Ok(())
    }

    /// Lists events in the journal that the pipeline file no longer mentions or holds back. For sinks opened since the last call it
    /// reports the numbers at that opening, for others the present ones.
    ///
    /// # Errors
    /// A sentence if the journal cannot be read.
    pub async fn debts(&mut self) -> Result<Vec<Debt>, String> {
        let mut debts = Vec::new();
        for (name, sink) in &mut self.sinks {
            let ledger = self.ledger.sinks.get(name);
            let live = || ledger.map(|ledger| ledger.debts()).unwrap_or_default();
            let by_source = sink.untold.take().unwrap_or_else(live).into_iter();
            debts.extend(by_source.map(|(source, events)| Debt::Source {
                sink: name.to_string(),
                source,
                events,
                filtered: sink.filters,
            }));
        }
        debts.extend(debts::of_idle_sinks(&*self.journal, &self.roster).await?);
        Ok(debts)
    }

    async fn start_sink(&mut self, sink: BuiltSink, telemetry: Option<&Telemetry>) -> Result<(), StartError> {
        let BuiltSink {
            options,
            stage,
            was: _,
            start,
            fingerprint,
        } = sink;
        let rate_group = self.rate_groups.get(&options.requests.rate_group);
        let parts = Parts::new(options, stage, rate_group);
        let meters = telemetry.map(|telemetry| telemetry.sink_meters(&parts.options.name));
        self.drive(parts, start, fingerprint, meters.unwrap_or_else(SinkMeters::none))
            .await
    }

    async fn drive(
        &mut self,
        parts: Parts,
        start: Start,
        fingerprint: u64,
        meters: SinkMeters,
    ) -> Result<(), StartError> {
        let name = parts.options.name.clone();
        let tenure = self.tenures.borrow().of(&name).cloned();
        let tenure =
            tenure.ok_or_else(|| StartError(format!("sinks.{name}: another router delivers to it")))?;
        let subscription = Subscription {
            mappings: parts.options.mappings.clone(),
            ..Subscription::new(parts.options.inputs.iter().map(|name| &**name), start)
        };
        let opened = self.journal.reader(&name, &subscription).await;
        let opened = opened.map_err(|error| StartError(format!("sinks.{name}: {error}")))?;
        let ledger = self.ledger.sinks.get(&name).cloned().unwrap_or_default();
        ledger.disabled.store(false, Relaxed);
        let stop = Stop {
            abort: self.ending.abort.child_token(),
            ..Stop::default()
        };
        let (shed, returned) = (Arc::new(LoadShed::default()), Arc::new(Notify::new()));
        let (inputs, owed) = (parts.options.inputs.clone(), opened.1.owed.clone());
        let debts = crate::delivery::debts(&opened.1);
        let (filters, sheds) = (parts.options.filter_removed, parts.options.shed_when_full);
        self.view.show(&name, parts.tested());
        let dead_letters = self.dead_letters.clone();
        let driver = Driver::new(
            parts,
            opened,
            ledger,
            dead_letters,
            meters,
            (stop.clone(), shed.clone(), returned.clone()),
        )
        .with_history(self.ledger.history.clone())
        .with_taps(self.ledger.taps.clone())
        .under(tenure);
        let task = tokio::spawn(driver.run());
        self.sinks.insert(
            name,
            SinkHandle {
                stop,
                shed,
                returned,
                task,
                inputs,
                owed,
                untold: Some(debts),
                filters,
                sheds,
                fingerprint,
            },
        );
        Ok(())
    }

    async fn start_source(&mut self, built: BuiltSource) -> Result<(), StartError> {
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
                    shed: sink.sheds.then(|| sink.shed.clone()),
                })
            })
            .collect()
    }

    /// Updates the sinks for which a source counts.
    fn listen(&self, name: &str, source: &SourceHandle) {
        let mut listeners = source
            .intake
            .listeners
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *listeners = self.listeners(name);
    }

    /// Stops a sink's deliveries, applies `change` to its state in the journal and to its parts, and continues from there.
    ///
    /// # Errors
    /// The error of `change`, or a sentence if there is no such sink.
    pub async fn rewind<T, F>(&mut self, sink: &str, meters: SinkMeters, change: F) -> Result<T, String>
    where
        F: AsyncFnOnce(&Arc<dyn Journal>, &mut Parts) -> Result<T, String>,
    {
        self.view.must_be_enabled(sink)?;
        let Some(handle) = self.sinks.remove(sink) else {
            return Err(format!("there is no sink '{sink}'"));
        };
        handle.stop.leave.cancel();
        let mut parts = handle
            .task
            .await
            .map_err(|_| format!("the sink '{sink}' has ended"))?;
        let changed = change(&self.journal, &mut parts).await;
        self.drive(parts, Start::End, handle.fingerprint, meters)
            .await
            .map_err(|error| error.to_string())?;
        if let Some(handle) = self.sinks.get_mut(sink) {
            // The debts were reported when the sink was first opened.
            handle.untold = None;
        }
        // The ledgers that sources count into stay the same; only the handles for load shedding are new.
        for (name, source) in &self.sources {
            self.listen(name, source);
        }
        changed
    }

    /// Stops the deliveries of all sinks, runs `work` on the journal, and continues.
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
        let sinks = std::mem::take(&mut self.sinks);
        for handle in sinks.values() {
            handle.stop.leave.cancel();
        }
        let (mut stopped, mut problem) = (Vec::new(), None);
        for (name, handle) in sinks {
            match handle.task.await {
                Ok(parts) => stopped.push((name, parts, handle.fingerprint)),
                Err(_) => problem = Some(format!("the sink '{name}' has ended")),
            }
        }
        let done = work(&self.journal).await;
        for (name, parts, fingerprint) in stopped {
            if let Err(error) = self.drive(parts, Start::End, fingerprint, meters(&name)).await {
                problem = Some(error.to_string());
            }
            if let Some(handle) = self.sinks.get_mut(&name) {
                // The debts were reported when the sink was first opened.
                handle.untold = None;
            }
        }
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

    /// Notes that events of a sink came back from the dead letters: they count as journalled for it again.
    pub fn returned(&self, sink: &str, events: u64) {
        if let (Some(handle), Some(ledger)) = (self.sinks.get(sink), self.ledger.sinks.get(sink)) {
            ledger.journalled.add(events);
            handle.returned.notify_one();
        }
    }

    /// True if a sink is configured and runs.
    pub fn has_sink(&self, sink: &str) -> bool {
        self.sinks.contains_key(sink)
    }

    /// True if a source is configured and runs.
    pub fn has_source(&self, source: &str) -> bool {
        self.sources.contains_key(source)
    }

    /// Lists the sinks of this pipeline and their inputs.
    fn listeners_of_all(&self) -> Listeners {
        let sink = |(name, sink): (&Arc<str>, &SinkHandle)| {
            let inputs = sink.inputs.iter().map(ToString::to_string).collect();
            let filters = sink.filters;
            (name.to_string(), Listening { inputs, filters })
        };
        Listeners {
            roster: self.roster.clone(),
            sinks: self.sinks.iter().map(sink).collect(),
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
        let known = self.journal.sinks().await.map_err(|error| error.to_string())?;
        let mut forgotten = Vec::new();
        for name in what.sinks(&known, &self.listeners_of_all())? {
            let one = if self.sinks.contains_key(name.as_str()) {
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

    /// Returns a view that stays current, through reloads too.
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// Returns the journal.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// Returns the counts.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
