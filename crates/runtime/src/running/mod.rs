//! A running pipeline, and the operators' actions on it: reload, replay, retry of dead letters, stop.
//!
//! With a journal that several routers share, each sink is driven by one of them. `Running` then keeps the parts of the
//! sinks that other routers drive, and starts and stops drivers as the journal's tenures change.

mod acts;
mod ending;
mod followed;
mod hand_over;
mod handles;
mod reload;
mod report;
mod sinks;
mod sources;
mod stop;
mod tenures;
mod turns;
mod view;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use signalbox_core::StartError;
use signalbox_journal::{Group, Journal, Roster, SinkState, Tenure};
use tokio::task::JoinSet;

use crate::dead_letters::DeadLetters;
use crate::debts::{self, Debt};
use crate::ledger::Ledger;
use crate::orphans::Orphans;
use crate::pipeline::{BuiltSink, Pipeline};
use crate::rate_group::{Member, RateGroups};
use crate::sockets::OpenSockets;
use crate::telemetry::Telemetry;

use ending::{Ending, ended};
use followed::Followed;
use handles::{SinkHandle, SourceHandle, Waiting};
use report::OwnFacts;
pub use turns::Turn;
use turns::Turns;
pub use view::View;
pub(crate) use view::is_disabled;

/// A running pipeline: sources taking in, sinks delivering.
pub struct Running {
    ledger: Ledger,
    dead_letters: Arc<DeadLetters>,
    journal: Arc<dyn Journal>,
    sockets: Arc<OpenSockets>,
    /// True if other routers share the journal.
    shared: bool,
    /// The name by which the other routers know this one.
    node: Option<Arc<str>>,
    /// The sinks with a driver.
    sinks: BTreeMap<Arc<str>, SinkHandle>,
    /// The sinks without one, with a shared journal: another router drives them, or their readers are being opened.
    waiting: BTreeMap<Arc<str>, Waiting>,
    /// The counts of the sinks that other routers drive.
    followed: Followed,
    turns: Turns,
    /// The time for which other routers wait before they drive the sinks of a silent one.
    takeover: Duration,
    /// By rate group, the right that is given back, since this router cannot open a sink of the group.
    declined: BTreeMap<Arc<str>, Tenure>,
    /// By rate group, the right that was given back last.
    released: BTreeMap<Arc<str>, Tenure>,
    sources: BTreeMap<Arc<str>, SourceHandle>,
    /// The tasks of all sources, including sources that a reload replaced.
    tasks: JoinSet<(Arc<str>, Result<(), StartError>)>,
    rate_groups: RateGroups,
    ending: Ending,
    view: View,
    roster: Roster,
    orphans: Option<Orphans>,
    /// Time for which sinks keep their unsettled events after they have left the file.
    retention: Option<Duration>,
}

/// The next thing for the owner of a pipeline to do.
pub enum Next {
    /// Every source has ended and everything is delivered: stop.
    RanOut,
    /// Pass this to [`Running::turn`].
    Turn(Turn),
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

/// Returns the name of this router among the routers of its journal.
fn own_name(journal: &dyn Journal) -> Option<Arc<str>> {
    let own = journal.nodes().into_iter().find(|node| node.own);
    own.map(|node| node.name.into())
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
        let facts = OwnFacts::of(&pipeline, &ledger);
        let mut running = Running {
            ledger,
            dead_letters: Arc::new(DeadLetters::new(pipeline.dead_letters.personal_data)),
            view: View::new(journal.clone()),
            shared: journal.is_shared(),
            node: own_name(&*journal),
            journal,
            sockets,
            sinks: BTreeMap::new(),
            waiting: BTreeMap::new(),
            followed: Followed::default(),
            turns: Turns::new(),
            takeover: pipeline.journal.takeover(),
            declined: BTreeMap::new(),
            released: BTreeMap::new(),
            sources: BTreeMap::new(),
            tasks: JoinSet::new(),
            rate_groups: RateGroups::default(),
            ending: Ending::default(),
            roster: pipeline.roster(),
            orphans: None,
            retention: pipeline.journal.orphan_retention.map(|span| span.0),
        };
        running.followed.tell(facts);
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
        if self.shared {
            self.followed.watch(self.journal.clone());
        }
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
        self.turns.set(self.journal.tenures(groups(&pipeline.sinks)));
        let first = self.turns.tenures().are_first();
        let idle = if first { idle } else { Duration::ZERO };
        self.rate_groups.arrange(members(&pipeline.sinks), idle);
        for sink in pipeline.sinks {
            self.start_sink(sink, telemetry).await?;
        }
        self.follow_tenures();
        self.journal.all_opened();
        for debt in self.debts().await.map_err(StartError)? {
            tracing::warn!("{debt}");
        }
        for source in pipeline.sources {
            if self.runs_here(&source) {
                self.start_source(source).await?;
            }
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
        let driven: Vec<Arc<str>> = self.sinks.keys().cloned().collect();
        for name in driven {
            debts.extend(self.debts_of(&name));
        }
        debts.extend(debts::of_idle_sinks(&*self.journal, &self.roster).await?);
        Ok(debts)
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
