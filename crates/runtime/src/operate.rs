//! Actions of operators on a running or stopped pipeline: list, retry and discard dead letters, replay, send again, reload.
//!
//! The functions work on the journal alone, so they serve a stopped router too. [`Remote`] is the handle to a running one:
//! commands that need its sinks to stand still go through its queue.

mod find;
mod in_log;
mod letters;
mod replay;
mod resend;

use std::sync::Arc;

use async_trait::async_trait;
use signalbox_config::ComponentOutline;
use signalbox_core::Rated;
use signalbox_history::{History, Reader};
use signalbox_journal::{Arrivals, Index, Journal, SinkState};
use tokio::sync::{mpsc, oneshot};

pub use self::find::find_event;
pub use self::in_log::IDS;
pub use self::letters::{Acted, Piece, act, act_on_all, discard};
pub use self::replay::{ReplayPlan, ReplayRange, ReplayState, Where, plan_replay, replay_state};
pub use self::resend::{Located, ResendRequest, Resent, ResentEvent, Sending};
use self::resend::{locate_events, send};
use crate::debts::Listeners;
use crate::delivery::Stage;
use crate::erase::{self, EraseRequest, Erased, Stood};
use crate::forget::{Forget, Forgotten, known_sinks};
use crate::history;
use crate::ledger::{DrivenBy, Ledger, SinkLedger, SourceLedger};
use crate::running::{Running, View, is_disabled};
use crate::scores::DestinationScores;
use crate::telemetry::SinkMeters;
use crate::tester::Tester;

/// A pipeline as the admin API and the command line see it, beyond the ledger. Errors are sentences for people, without a
/// value of the configuration.
#[async_trait]
pub trait StatusSource: Send + Sync {
    /// Returns `Ok` if every source has started and no stop is in progress.
    ///
    /// # Errors
    /// The reason in a few words.
    fn ready(&self) -> Result<(), String>;

    /// Returns the notes of a sink ([`signalbox_core::Sink::notes`]).
    fn sink_notes(&self, sink: &str) -> Vec<String>;

    /// Names the facts by which a sink's destination rates events of this name ([`signalbox_core::Sink::rated`]). Default:
    /// it rates none.
    fn rated(&self, _sink: &str, _event_name: &str) -> Option<Rated> {
        None
    }

    /// Returns the scores that a sink's destination gives. Default: it cannot be asked.
    fn scores(&self, _sink: &str) -> Option<DestinationScores> {
        None
    }

    /// Returns the running components for tests of events; `None` if nothing runs.
    fn tester(&self) -> Option<Tester> {
        None
    }

    /// Describes the components of the running file. Default: nothing runs.
    fn outline(&self) -> Arc<[ComponentOutline]> {
        Arc::new([])
    }

    /// Returns the journal.
    fn journal(&self) -> &dyn Journal;

    /// Returns the steps of a sink that runs.
    fn stage(&self, sink: &str) -> Option<Arc<Stage>>;

    /// Lists the sinks that the journal knows, including removed ones.
    ///
    /// # Errors
    /// A sentence if they cannot be read.
    async fn sinks(&self) -> Result<Vec<SinkState>, String> {
        known_sinks(self.journal()).await
    }

    /// Tries some of the matching dead letters again.
    ///
    /// # Errors
    /// A sentence if the letters cannot be retried.
    async fn retry(&self, piece: Piece) -> Result<Acted, String>;

    /// Delivers a part of the journal to a sink again, or plans it only.
    ///
    /// # Errors
    /// A sentence if there is nothing to replay, or no such sink.
    async fn replay(&self, sink: String, range: ReplayRange, dry_run: bool) -> Result<ReplayPlan, String>;

    /// Sends events once more, from the journal or the dead letters, past the memory of sent keys.
    ///
    /// # Errors
    /// A sentence that names the fault of the request, or says that the journal cannot be read or written.
    async fn resend(&self, request: &ResendRequest) -> Result<Resent, String>;

    /// Forgets events that sinks are owed and that the pipeline no longer mentions.
    ///
    /// # Errors
    /// A sentence if the pipeline still mentions them, or there is no such sink.
    async fn forget(&self, what: Forget) -> Result<Vec<Forgotten>, String>;

    /// Erases what the journal holds of a person; see [`crate::erase`].
    ///
    /// # Errors
    /// A sentence that says what is wrong with the request, or that the journal cannot be read or written.
    async fn erase(&self, request: &EraseRequest) -> Result<Erased, String>;

    /// Reads the configuration file again and runs it; returns a sentence about the changes.
    ///
    /// # Errors
    /// The faults of the file; nothing has changed then.
    async fn reload(&self) -> Result<String, String>;
}

/// A command that needs a running pipeline to stand still for a moment.
pub enum Command {
    /// Retry some of the matching dead letters.
    Retry(Piece, oneshot::Sender<Result<Acted, String>>),
    /// Deliver a part of the journal again.
    Replay(String, ReplayRange, oneshot::Sender<Result<ReplayPlan, String>>),
    /// Send events once more.
    Resend(Located, oneshot::Sender<Result<Resent, String>>),
    /// Forget events that sinks are owed.
    Forget(Forget, oneshot::Sender<Result<Vec<Forgotten>, String>>),
    /// Remove parked events of erased values while no sink delivers.
    Erase(Arc<Index>, oneshot::Sender<Result<Stood, String>>),
    /// Read the configuration file again.
    Reload(oneshot::Sender<Result<String, String>>),
}

impl Command {
    /// Carries out everything but a reload, which only the owner of the configuration can do.
    ///
    /// # Errors
    /// Returns a reload to the caller.
    pub async fn apply(
        self,
        running: &mut Running,
        meters: impl Fn(&str) -> SinkMeters,
    ) -> Result<(), oneshot::Sender<Result<String, String>>> {
        match self {
            Command::Retry(piece, reply) => {
                let result = letters::retry_running(running, &piece).await;
                // The receiver is gone if the client hung up.
                let _ = reply.send(result);
            }
            Command::Replay(sink, range, reply) if range.again && running.is_elsewhere(&sink) => {
                let _ = reply.send(Err(replayed_elsewhere(&sink, running)));
            }
            Command::Replay(sink, range, reply) => {
                let ledger = running.ledger().sinks.get(&*sink).cloned().unwrap_or_default();
                let result = running
                    .rewind(&sink, meters(&sink), async |journal, parts| {
                        let (plan, progress) = plan_replay(&**journal, &sink, range).await?;
                        journal
                            .set_progress(&sink, progress)
                            .await
                            .map_err(|error| error.to_string())?;
                        parts.begin_replay((plan.from, plan.to), range.again);
                        ledger.replay.begin((plan.from, plan.to));
                        Ok(plan)
                    })
                    .await;
                let _ = reply.send(result);
            }
            Command::Resend(located, reply) => {
                let _ = reply.send(resend::send_running(running, located).await);
            }
            Command::Forget(what, reply) => {
                let _ = reply.send(running.forget(&what, meters).await);
            }
            Command::Erase(test, reply) => {
                let erased = running
                    .at_rest(meters, async |journal| {
                        erase::at_rest(&**journal, test, false).await
                    })
                    .await;
                let _ = reply.send(erased);
            }
            Command::Reload(reply) => return Err(reply),
        }
        Ok(())
    }
}

/// Returns the refusal of a replay that sends known records again at a router that does not know them.
fn replayed_elsewhere(sink: &str, running: &Running) -> String {
    let ledger = running.ledger().sinks.get(sink);
    let router = match ledger.map(|ledger| ledger.driven_by()) {
        Some(DrivenBy::Another(node)) => format!("the router '{node}'"),
        _ => "the router that drives it".to_owned(),
    };
    format!(
        "only {router} knows which records of the sink '{sink}' were sent: repeat the command with the admin address of that \
         router, or leave out --again"
    )
}

/// A handle to a running pipeline.
#[derive(Clone)]
pub struct Remote {
    view: View,
    journal: Arc<dyn Journal>,
    history: Option<History>,
    commands: mpsc::Sender<Command>,
}

impl Remote {
    /// Creates a handle, and the queue that the owner of the pipeline serves.
    pub fn new(running: &Running) -> (Remote, mpsc::Receiver<Command>) {
        let (commands, queue) = mpsc::channel(16);
        (
            Remote {
                view: running.view(),
                journal: running.journal().clone(),
                history: running.ledger().history.clone(),
                commands,
            },
            queue,
        )
    }

    async fn ask<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Command,
    ) -> Result<T, String> {
        let (reply, answer) = oneshot::channel();
        let stopping = || "the router is stopping".to_owned();
        self.commands.send(make(reply)).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }
}

#[async_trait]
impl StatusSource for Remote {
    fn journal(&self) -> &dyn Journal {
        &*self.journal
    }

    fn ready(&self) -> Result<(), String> {
        self.view.ready()
    }

    fn tester(&self) -> Option<Tester> {
        Some(self.view.tester())
    }

    fn outline(&self) -> Arc<[ComponentOutline]> {
        self.view.outline()
    }

    fn stage(&self, sink: &str) -> Option<Arc<Stage>> {
        self.view.stage(sink)
    }

    fn sink_notes(&self, sink: &str) -> Vec<String> {
        self.view.sink_notes(sink)
    }

    fn rated(&self, sink: &str, event_name: &str) -> Option<Rated> {
        self.view.rated(sink, event_name)
    }

    fn scores(&self, sink: &str) -> Option<DestinationScores> {
        self.view.scores(sink)
    }

    async fn retry(&self, piece: Piece) -> Result<Acted, String> {
        self.ask(|reply| Command::Retry(piece, reply)).await
    }

    async fn replay(&self, sink: String, range: ReplayRange, dry_run: bool) -> Result<ReplayPlan, String> {
        self.view.must_be_enabled(&sink)?;
        if dry_run {
            return plan_replay(&*self.journal, &sink, range)
                .await
                .map(|(plan, _)| plan);
        }
        self.ask(|reply| Command::Replay(sink, range, reply)).await
    }

    async fn resend(&self, request: &ResendRequest) -> Result<Resent, String> {
        let history = self.history.clone();
        // A history that cannot be written is read as far as it goes.
        let reader = tokio::task::spawn_blocking(move || {
            let history = history?;
            let _ = history.flush();
            Some(history.reader())
        });
        let reader = reader.await.unwrap_or_default();
        let located = locate_events(&*self.journal, reader, request).await?;
        self.ask(|reply| Command::Resend(located, reply)).await
    }

    async fn forget(&self, what: Forget) -> Result<Vec<Forgotten>, String> {
        self.ask(|reply| Command::Forget(what, reply)).await
    }

    async fn erase(&self, request: &EraseRequest) -> Result<Erased, String> {
        let journal = &*self.journal;
        let mut erased = erase::erase(journal, request, async |test| {
            if request.dry_run {
                return erase::at_rest(journal, test, true).await;
            }
            self.ask(|reply| Command::Erase(test, reply)).await
        })
        .await?;
        if let Some(history) = self.history.as_ref().filter(|_| !request.dry_run) {
            let records = history::erase(history, journal, request).await?;
            (erased.history, erased.unreached) = (records.records, records.unreached);
        }
        Ok(erased)
    }

    async fn reload(&self) -> Result<String, String> {
        self.ask(Command::Reload).await
    }
}

/// The journal of a stopped router, with the same interface.
#[derive(Clone)]
pub struct Stopped {
    journal: Arc<dyn Journal>,
    /// The sinks that the pipeline file disables.
    disabled: Vec<String>,
    history: Option<Reader>,
}

impl Stopped {
    /// Wraps an opened journal. `disabled` names the sinks that the pipeline file disables.
    pub fn new(journal: Arc<dyn Journal>, disabled: Vec<String>) -> Stopped {
        Stopped {
            journal,
            disabled,
            history: None,
        }
    }

    /// Looks into this history, to find events in the journal faster.
    #[must_use]
    pub fn with_history(self, history: Option<Reader>) -> Stopped {
        Stopped { history, ..self }
    }

    /// Closes the journal's files.
    pub async fn close(self) {
        self.journal.close();
        self.journal.shutdown().await;
    }

    /// Forgets events that sinks are owed and that a pipeline file no longer mentions.
    ///
    /// # Errors
    /// A sentence that says why the events are not forgotten.
    pub async fn forget_by(&self, what: &Forget, listeners: &Listeners) -> Result<Vec<Forgotten>, String> {
        let mut forgotten = Vec::new();
        for sink in what.sinks(&self.sinks().await?, listeners)? {
            forgotten.push(what.apply(&*self.journal, &sink).await?);
        }
        Ok(forgotten)
    }

    /// Reads the counts from the journal.
    ///
    /// # Errors
    /// A sentence if they cannot be read.
    pub async fn ledger(&self) -> Result<Ledger, String> {
        let mut ledger = Ledger::default();
        for (name, totals) in self
            .journal
            .source_totals()
            .await
            .map_err(|error| error.to_string())?
        {
            let source = SourceLedger::default();
            source.restore(&totals);
            ledger.sources.insert(name.into(), Arc::new(source));
        }
        for state in self.sinks().await? {
            let sink = SinkLedger::default();
            sink.restore(&state.progress.totals, state.pending(), Arrivals::default());
            let removed = state
                .unread
                .iter()
                .filter(|(name, _)| state.removed.contains(name));
            sink.set_debts(removed.cloned().collect());
            sink.oldest_pending.store(
                state.oldest_pending.unwrap_or(0),
                std::sync::atomic::Ordering::Relaxed,
            );
            ledger.sinks.insert(state.name.into(), Arc::new(sink));
        }
        for name in &self.disabled {
            // The journal does not know a sink that was never enabled.
            let sink = ledger.sinks.entry(name.as_str().into()).or_default();
            sink.disabled.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(ledger)
    }
}

#[async_trait]
impl StatusSource for Stopped {
    fn journal(&self) -> &dyn Journal {
        &*self.journal
    }

    fn ready(&self) -> Result<(), String> {
        Err("not running".to_owned())
    }

    fn stage(&self, _: &str) -> Option<Arc<Stage>> {
        None
    }

    fn sink_notes(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    async fn retry(&self, piece: Piece) -> Result<Acted, String> {
        letters::retry_stopped(&*self.journal, &piece, &self.disabled).await
    }

    async fn replay(&self, sink: String, range: ReplayRange, dry_run: bool) -> Result<ReplayPlan, String> {
        if self.disabled.contains(&sink) {
            return Err(is_disabled(&sink));
        }
        let (plan, progress) = plan_replay(&*self.journal, &sink, range).await?;
        if !dry_run {
            self.journal
                .set_progress(&sink, progress)
                .await
                .map_err(|error| error.to_string())?;
        }
        Ok(plan)
    }

    async fn resend(&self, request: &ResendRequest) -> Result<Resent, String> {
        let located = locate_events(&*self.journal, self.history.clone(), request).await?;
        let goes_out = |sink: &str| match self.disabled.iter().any(|name| name == sink) {
            true => Err(Sending::Disabled),
            false => Ok(()),
        };
        send(&*self.journal, located, goes_out, |_, _| {}).await
    }

    async fn forget(&self, _: Forget) -> Result<Vec<Forgotten>, String> {
        Err("the router is not running".to_owned())
    }

    async fn erase(&self, request: &EraseRequest) -> Result<Erased, String> {
        let journal = &*self.journal;
        let rest = async |test| erase::at_rest(journal, test, request.dry_run).await;
        erase::erase(journal, request, rest).await
    }

    async fn reload(&self) -> Result<String, String> {
        Err("the router is not running".to_owned())
    }
}
