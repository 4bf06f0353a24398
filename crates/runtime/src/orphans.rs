//! Sinks that have been out of the pipeline for longer than `orphan_retention`: their events become dead letters.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::{Batch, Event, Outcome, Prepared, Reason, Report, Sink};
use signalbox_journal::{Journal, Roster, SinkState, Subscription};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::dead_letters::{DeadLetters, now_millis};
use crate::debts::others_have;
use crate::delivery::{Driver, Parts, SinkOptions, Stage, Stop};
use crate::ledger::SinkLedger;
use crate::rate_group::RateGroup;
use crate::telemetry::SinkMeters;

/// Shortest and longest interval between two searches for sinks whose time is over.
const EVERY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(60));
/// Interval between checks that all of a sink's events have become dead letters.
const LOOK: Duration = Duration::from_millis(50);

/// Looks for orphans until it is stopped.
pub(crate) struct Orphans {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Orphans {
    /// Starts to look for sinks that are not in the roster.
    pub(crate) fn watch(
        journal: Arc<dyn Journal>,
        dead_letters: Arc<DeadLetters>,
        roster: Roster,
        retention: Duration,
    ) -> Orphans {
        let stop = CancellationToken::new();
        let watch = Watch {
            journal,
            dead_letters,
            roster,
            retention,
            stop: stop.clone(),
        };
        let task = tokio::spawn(watch.run());
        Orphans { stop, task }
    }

    /// Stops, and returns when no work is under way.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        // The task has no uncommitted state.
        let _ = self.task.await;
    }
}

struct Watch {
    journal: Arc<dyn Journal>,
    dead_letters: Arc<DeadLetters>,
    roster: Roster,
    retention: Duration,
    stop: CancellationToken,
}

impl Watch {
    async fn run(self) {
        let every = (self.retention / 10).clamp(EVERY.0, EVERY.1);
        while !self.stop.is_cancelled() {
            if self.journal.tends() {
                self.look().await;
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    async fn look(&self) {
        match self.journal.sinks().await {
            Ok(known) => {
                for sink in known.iter().filter(|sink| self.is_over(sink)) {
                    self.bury(&sink.name).await;
                }
            }
            Err(error) => tracing::error!("the journal cannot say what removed sinks hold: {error}"),
        }
    }

    fn is_over(&self, sink: &SinkState) -> bool {
        let age = now_millis().saturating_sub(sink.last_opened);
        let holds = sink.parked > 0 || !sink.unread.is_empty();
        let is_in_file = self.roster.all_sinks().any(|named| named.name == sink.name);
        holds && !is_in_file && age >= millis(self.retention) && !others_have(&*self.journal, &sink.name)
    }

    /// Makes dead letters of a sink's events. Each commit holds the letters and the progress, so that this can stop at
    /// any moment.
    async fn bury(&self, name: &str) {
        let opened = match self.journal.reader(name, &Subscription::orphan()).await {
            Ok(opened) => opened,
            Err(error) => {
                return tracing::error!(sink = name, "what it holds cannot be read: {error}");
            }
        };
        let ledger = Arc::new(SinkLedger::default());
        let stop = Stop::default();
        let options = SinkOptions::without_destination(name);
        let stage = Stage {
            route: options.route.clone(),
            transforms: Vec::new(),
            sink: Arc::new(Gone),
        };
        let parts = Parts::new(options, stage, Arc::new(RateGroup::full(None)));
        let (dead_letters, signals) = (
            self.dead_letters.clone(),
            (stop.clone(), Arc::default(), Arc::default()),
        );
        let driver = Driver::new(
            parts,
            opened,
            ledger.clone(),
            dead_letters,
            SinkMeters::none(),
            signals,
        );
        let before = ledger.pending();
        let driving = tokio::spawn(driver.run());
        let goes_on = || !self.stop.is_cancelled() && self.journal.tends();
        while ledger.pending() > 0 && goes_on() && !driving.is_finished() {
            tokio::time::sleep(LOOK).await;
        }
        stop.leave.cancel();
        // The panic hook has reported a panic; uncommitted events are read again.
        let _ = driving.await;
        let left = ledger.pending();
        tracing::warn!(
            sink = name,
            events = before.saturating_sub(left),
            left,
            "not in the pipeline for longer than orphan_retention: what it held has become dead letters (orphaned)"
        );
        if left == 0
            && let Err(error) = self.journal.forget(name, None).await
        {
            // The sink holds nothing, but keeps files of the journal from being deleted until the next start.
            tracing::error!(sink = name, "it cannot be let go of: {error}");
        }
    }
}

/// A stand-in for a removed sink.
struct Gone;

fn orphaned() -> Reason {
    Reason::new(
        "orphaned",
        "its sink has been out of the pipeline file for longer than orphan_retention",
    )
}

#[async_trait]
impl Sink for Gone {
    fn prepare(&self, _: &Event) -> Prepared {
        Prepared::Rejected(orphaned())
    }

    async fn deliver(&self, batch: Batch) -> Report {
        batch.settle_all(|_| Outcome::Rejected(orphaned()))
    }

    async fn probe(&self) -> Result<(), Reason> {
        Ok(())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
