//! A running pipeline with its telemetry and admin address.

use std::sync::Arc;
use std::time::Duration;

use signalbox_admin::{Access, AdminServer, AdminState, AlertTarget, Alerts, Audit};
use signalbox_config::{
    AdminSettings, DeadLetterSettings, HistorySettings, JournalKind, JournalSettings, PersonalData,
    TelemetrySettings,
};
use signalbox_journal::Named;
use signalbox_runtime::identity::JournalIdentity;
use signalbox_runtime::ledger::{Ledger, LetterLedger};
use signalbox_runtime::operate::{Command, Remote};
use signalbox_runtime::pipeline::Pipeline;
use signalbox_runtime::running::{Running, Turn};
use signalbox_runtime::sockets::OpenSockets;
use signalbox_runtime::telemetry::{SinkMeters, Telemetry};
use signalbox_runtime::{history, journal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Time limit of the last export of metrics.
const FLUSH: Duration = Duration::from_secs(5);

pub(crate) struct Router {
    pub(crate) running: Running,
    pub(crate) state: AdminState,
    /// Commands of operators; the owner of the router carries them out.
    pub(crate) commands: mpsc::Receiver<Command>,
    telemetry: Arc<Telemetry>,
    telemetry_settings: TelemetrySettings,
    admin: Option<AdminServer>,
    alerts: Alerts,
    admin_stop: CancellationToken,
    fixed: Fixed,
}

/// Settings that only a restart changes.
#[derive(Debug, PartialEq)]
struct Fixed {
    journal: JournalSettings,
    dead_letters: DeadLetterSettings,
    history: Option<HistorySettings>,
    admin: Option<AdminSettings>,
}

impl Fixed {
    fn of(pipeline: &Pipeline) -> Fixed {
        Fixed {
            journal: pipeline.journal.clone(),
            dead_letters: pipeline.dead_letters.clone(),
            history: pipeline.history.clone(),
            admin: pipeline.admin.clone(),
        }
    }
}

impl Router {
    /// Starts the pipeline, its telemetry and the admin address. On an error, the parts that had started are stopped.
    pub(crate) async fn start(pipeline: Pipeline, sockets: OpenSockets) -> Result<Router, String> {
        let telemetry_settings = pipeline.telemetry.clone();
        let target = pipeline.alerts.clone().map(AlertTarget::new).transpose()?;
        let fixed = Fixed::of(&pipeline);
        let mut ledger = Running::ledger_of(&pipeline);
        let (settings, letters) = (pipeline.journal.clone(), pipeline.dead_letters.clone());
        let journal = tokio::task::spawn_blocking(move || journal::open(&settings, &letters));
        let journal = journal
            .await
            .map_err(|_| "the journal could not be opened".to_owned())??;
        tell_what_is_plain(&fixed.journal);
        if let Some(settings) = &fixed.history {
            let opened = history::open(settings, &fixed.journal)?;
            history::share(&opened, &journal);
            ledger.history = Some(opened);
        }
        let audit = pipeline.admin.as_ref().and_then(|admin| admin.audit.as_deref());
        let audit = audit
            .map(Audit::open)
            .transpose()
            .map_err(|problem| format!("admin: {problem}"))?;
        ledger.letters = LetterLedger::of(journal.clone());
        let telemetry = Arc::new(Telemetry::new(&telemetry_settings, &ledger)?);
        let admin = pipeline.admin.clone();
        let sockets = Arc::new(sockets);
        let mut running = Running::start(pipeline, journal, ledger.clone(), Some(&telemetry), sockets)
            .await
            .map_err(|error| error.to_string())?;
        let (remote, commands) = Remote::new(&running);
        let identity = JournalIdentity::of(&**running.journal(), &fixed.journal);
        let mut state = AdminState::new(ledger, telemetry.clone(), Arc::new(remote)).identified(identity);
        if let Some(audit) = audit {
            state = state.audited(audit);
        }
        let admin_stop = CancellationToken::new();
        let admin = match admin {
            None => None,
            Some(settings) => {
                let scheme = if settings.tls.is_some() { "https" } else { "http" };
                let access = Access {
                    proxies: settings.proxies(),
                    tls: settings.tls,
                    token: settings.token,
                    tokens: settings.tokens,
                    hosts: settings.hosts,
                    plain_letters: fixed.dead_letters.personal_data == PersonalData::Plain,
                };
                let page = signalbox_page::routes(state.clone());
                let served =
                    signalbox_admin::serve(settings.listen, access, state.clone(), page, admin_stop.clone());
                match served.await {
                    Ok(server) => {
                        tracing::info!("admin address: {scheme}://{}", server.address());
                        Some(server)
                    }
                    Err(problem) => {
                        running.stop(Duration::from_secs(1)).await;
                        return Err(format!("admin: {problem}"));
                    }
                }
            }
        };
        let alerts = Alerts::start(state.clone(), target);
        Ok(Router {
            running,
            state,
            commands,
            telemetry,
            telemetry_settings,
            admin,
            alerts,
            admin_stop,
            fixed,
        })
    }

    /// Carries out an operator's command. Returns the reply channel of a reload, which needs the file.
    pub(crate) async fn serve(
        &mut self,
        command: Command,
    ) -> Option<tokio::sync::oneshot::Sender<Result<String, String>>> {
        let telemetry = self.telemetry.clone();
        let meters = move |sink: &str| -> SinkMeters { telemetry.sink_meters(sink) };
        command.apply(&mut self.running, meters).await.err()
    }

    /// Starts and stops drivers of sinks as the journal demands.
    pub(crate) async fn turn(&mut self, turn: Turn) {
        let telemetry = self.telemetry.clone();
        let meters = move |sink: &str| -> SinkMeters { telemetry.sink_meters(sink) };
        self.running.turn(turn, meters).await;
    }

    /// Puts another pipeline in the place of the running one; returns a sentence for the operator.
    pub(crate) async fn reload(&mut self, pipeline: Pipeline) -> Result<String, String> {
        let target = pipeline.alerts.clone().map(AlertTarget::new).transpose()?;
        let mut told = "the new configuration runs".to_owned();
        if Fixed::of(&pipeline) != self.fixed {
            told.push_str("; changes of [journal], [dead_letters], [history] and [admin] need a restart");
        }
        let old = self.running.ledger().clone();
        let new = Running::ledger_of(&pipeline);
        // Components keep their counts, also under a new name.
        let roster = pipeline.roster();
        let ledger = Ledger {
            sources: carry(new.sources, &old.sources, roster.sources.iter()),
            sinks: carry(new.sinks, &old.sinks, roster.all_sinks()),
            letters: old.letters.clone(),
            history: old.history.clone(),
            taps: old.taps.clone(),
        };
        let settings = pipeline.telemetry.clone();
        let same_names =
            old.sources.keys().eq(ledger.sources.keys()) && old.sinks.keys().eq(ledger.sinks.keys());
        if !same_names || settings != self.telemetry_settings {
            let telemetry = Arc::new(Telemetry::new(&settings, &ledger)?);
            let before = std::mem::replace(&mut self.telemetry, telemetry);
            self.telemetry_settings = settings;
            tokio::spawn(async move {
                if let Err(problem) = before.shutdown(FLUSH).await {
                    tracing::warn!("the last metrics before the reload were not exported: {problem}");
                }
            });
        }
        self.state.replace(ledger.clone(), self.telemetry.clone());
        self.alerts.set(target);
        self.running
            .reload(pipeline, ledger, Some(&self.telemetry))
            .await
            .map_err(|error| error.to_string())?;
        for debt in self.running.debts().await? {
            told.push_str(&format!("; {debt}"));
        }
        Ok(told)
    }

    /// Sends no more alerts, before the pipeline stops on purpose.
    pub(crate) fn stop_alerts(&self) {
        self.alerts.stop();
    }

    /// Ends the taps, closes the admin address and the history, and flushes telemetry; call after the pipeline has stopped.
    pub(crate) async fn close(self) {
        self.running.ledger().taps.close();
        self.admin_stop.cancel();
        if let Some(admin) = self.admin {
            admin.stopped().await;
        }
        if let Some(history) = self.running.ledger().history.clone() {
            // An error means that the thread panicked, which the log says.
            let _ = tokio::task::spawn_blocking(move || history.close()).await;
        }
        if let Err(problem) = self.telemetry.shutdown(FLUSH).await {
            tracing::warn!("the last metrics were not exported: {problem}");
        }
    }
}

/// Logs what lies in plain in a journal without a key.
fn tell_what_is_plain(journal: &JournalSettings) {
    if !journal.is_stored_plain() {
        return;
    }
    match journal.kind {
        JournalKind::Memory => {}
        JournalKind::Disk => tracing::info!(
            folder = %journal.folder().display(),
            "the journal has no key: events (as the transforms of their source leave them), their messageIds, parked \
             events and dead letters are on disk in plain; 'signalbox keygen' makes a key, and [journal] key names it"
        ),
        JournalKind::Nats if journal.plain == Some(true) => {}
        JournalKind::Nats => tracing::warn!(
            prefix = journal.prefix(),
            "the journal has no key: events (as the transforms of their source leave them), their messageIds, parked events and \
             dead letters lie on the NATS servers in plain, for everybody who may read their streams or disks; 'signalbox \
             keygen' makes a key, and [journal] key names it on every router. If that is meant, set plain = true in [journal]"
        ),
    }
}

type ByName<T> = std::collections::BTreeMap<Arc<str>, Arc<T>>;

fn carry<'r, T>(
    new: ByName<T>,
    old: &ByName<T>,
    roster: impl Iterator<Item = &'r Named> + Clone,
) -> ByName<T> {
    let before = |name: &Arc<str>| {
        let was = roster
            .clone()
            .find(|component| *component.name == **name)?
            .was
            .as_deref()?;
        old.get(was)
    };
    new.into_iter()
        .map(|(name, fresh)| {
            let counted = old.get(&name).or_else(|| before(&name)).cloned();
            (name, counted.unwrap_or(fresh))
        })
        .collect()
}
