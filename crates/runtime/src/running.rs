//! A pipeline at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use signalbox_core::{Outlet, Sink, SourceContext, StartError};
use signalbox_journal::{Journal, MemoryJournal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::admin::{DeadLetterView, StatusSource};
use crate::dead_letters::DeadLetters;
use crate::delivery::{Driver, Stop};
use crate::intake::SourceIntake;
use crate::ledger::Ledger;
use crate::pipeline::Pipeline;
use crate::sockets::OpenSockets;
use crate::telemetry::Telemetry;

/// How long sources may take to answer what they have taken in.
const SOURCE_GRACE: Duration = Duration::from_secs(10);

/// A running pipeline: sources taking in, sinks delivering.
pub struct Running {
    ledger: Ledger,
    dead_letters: Arc<DeadLetters>,
    sinks: Vec<(Arc<str>, Arc<dyn Sink>)>,
    journal: Arc<dyn Journal>,
    sources: JoinSet<(Arc<str>, Result<(), StartError>)>,
    drivers: JoinSet<()>,
    shutdown: CancellationToken,
    stopping: Arc<AtomicBool>,
    started: Arc<AtomicBool>,
    stop: Stop,
    failed: bool,
}

impl Running {
    /// The ledgers of a pipeline that is about to start, for telemetry.
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
                .map(|s| (s.options.name.clone(), Arc::default()))
                .collect(),
        }
    }

    /// Starts the sinks, then the sources.
    ///
    /// # Errors
    /// [`StartError`] of the first source that cannot start; what had started is stopped again.
    pub async fn start(
        pipeline: Pipeline,
        ledger: Ledger,
        telemetry: Option<&Telemetry>,
    ) -> Result<Running, StartError> {
        let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new(pipeline.journal.max_bytes.0));
        let dead_letters = Arc::new(DeadLetters::default());
        let mut running = Running {
            ledger,
            dead_letters,
            sinks: Vec::new(),
            journal,
            sources: JoinSet::new(),
            drivers: JoinSet::new(),
            shutdown: CancellationToken::new(),
            stopping: Arc::default(),
            started: Arc::default(),
            stop: Stop::default(),
            failed: false,
        };
        let inputs: Vec<_> = pipeline
            .sinks
            .iter()
            .map(|sink| (sink.options.name.clone(), sink.options.inputs.clone()))
            .collect();
        for sink in pipeline.sinks {
            let name = sink.options.name.clone();
            running.sinks.push((name.clone(), sink.stage.sink.clone()));
            let meters = telemetry
                .map(|t| t.sink_meters(&name))
                .unwrap_or_else(crate::telemetry::SinkMeters::none);
            let driver = Driver::new(
                sink.options,
                sink.stage,
                running.journal.reader(&name),
                running.ledger.sinks.get(&name).cloned().unwrap_or_default(),
                running.dead_letters.clone(),
                meters,
                running.stop.clone(),
            );
            running.drivers.spawn(driver.run());
        }
        for built in pipeline.sources {
            let name = built.name;
            let listeners = inputs.iter().filter(|(_, inputs)| inputs.contains(&name));
            let intake = SourceIntake {
                name: name.clone(),
                transforms: built.transforms,
                journal: running.journal.clone(),
                ledger: running.ledger.sources.get(&name).cloned().unwrap_or_default(),
                sinks: listeners
                    .filter_map(|(sink, _)| running.ledger.sinks.get(sink).cloned())
                    .collect(),
                dead_letters: running.dead_letters.clone(),
                stopping: running.stopping.clone(),
            };
            let context = SourceContext {
                name: name.clone(),
                outlet: Outlet::new(Arc::new(intake)),
                shutdown: running.shutdown.clone(),
                sockets: Arc::new(OpenSockets::default()),
            };
            match built.source.start(context).await {
                Ok(task) => {
                    running.sources.spawn(async move { (name, task.await) });
                }
                Err(error) => {
                    running.stop(Duration::from_secs(1)).await;
                    return Err(StartError(format!("sources.{name}: {error}")));
                }
            }
        }
        running.started.store(true, Relaxed);
        Ok(running)
    }

    /// Waits until every source has ended by itself (a file was read to its end, a source failed).
    pub async fn sources_ended(&mut self) {
        while let Some(ended) = self.sources.join_next().await {
            match ended {
                Ok((_, Ok(()))) => {}
                Ok((name, Err(error))) => {
                    self.failed = true;
                    tracing::error!(source = %name, "the source ended: {error}");
                }
                Err(_) => {
                    self.failed = true;
                    tracing::error!("a source panicked and has ended; the line above tells where");
                }
            }
        }
    }

    /// Whether a source ended by an error.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Delivers what is there, however long it takes. Call after [`Running::sources_ended`]; cancel safe.
    pub async fn drained(&mut self) {
        self.journal.close();
        while self.drivers.join_next().await.is_some() {}
    }

    /// Stops: sources take nothing more and answer what they have, sinks deliver what is there until the
    /// deadline. Returns how many events were left undelivered, over all sinks.
    pub async fn stop(&mut self, deadline: Duration) -> u64 {
        self.stopping.store(true, Relaxed);
        self.shutdown.cancel();
        let end = tokio::time::Instant::now() + deadline;
        if tokio::time::timeout(SOURCE_GRACE.min(deadline), self.sources_ended())
            .await
            .is_err()
        {
            tracing::warn!("a source did not end in time and was cut off");
            self.sources.shutdown().await;
        }
        self.stop.drain.cancel();
        if tokio::time::timeout_at(end, self.drained()).await.is_err() {
            self.stop.abort.cancel();
            self.drained().await;
        }
        self.ledger.sinks.values().map(|sink| sink.pending()).sum()
    }

    /// Cancelling it makes [`Running::stop`] give up at once.
    pub fn abort_handle(&self) -> CancellationToken {
        self.stop.abort.clone()
    }

    /// For the admin address and for status.
    pub fn status_source(&self) -> Arc<dyn StatusSource> {
        Arc::new(View {
            stopping: self.stopping.clone(),
            started: self.started.clone(),
            sinks: self.sinks.clone(),
            dead_letters: self.dead_letters.clone(),
        })
    }

    /// The counts.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The dead letters.
    pub fn dead_letters(&self) -> &Arc<DeadLetters> {
        &self.dead_letters
    }
}

/// What the admin address asks a running pipeline.
struct View {
    stopping: Arc<AtomicBool>,
    started: Arc<AtomicBool>,
    sinks: Vec<(Arc<str>, Arc<dyn Sink>)>,
    dead_letters: Arc<DeadLetters>,
}

impl StatusSource for View {
    fn ready(&self) -> Result<(), String> {
        if self.stopping.load(Relaxed) {
            return Err("stopping".to_owned());
        }
        if !self.started.load(Relaxed) {
            return Err("starting".to_owned());
        }
        Ok(())
    }

    fn sink_notes(&self, sink: &str) -> Vec<String> {
        self.sinks
            .iter()
            .find(|(name, _)| **name == *sink)
            .map(|(_, sink)| sink.notes())
            .unwrap_or_default()
    }

    fn dead_letters(&self) -> &dyn DeadLetterView {
        &*self.dead_letters
    }
}
