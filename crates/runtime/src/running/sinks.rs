//! The sinks of a running pipeline. A sink has a driver or waits for one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use signalbox_core::StartError;
use signalbox_journal::{Owed, Reader, Resumed, Start, Subscription, Tenure};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::Running;
use crate::debts::Debt;
use crate::delivery::{Driver, LoadShed, Parts, SinkOptions, Stop};
use crate::pipeline::{BuiltSink, BuiltSource};
use crate::telemetry::{SinkMeters, Telemetry};

/// A sink with a driver.
pub(super) struct SinkHandle {
    pub(super) stop: Stop,
    pub(super) shed: Arc<LoadShed>,
    /// Notified when events return from the dead letters.
    pub(super) returned: Arc<Notify>,
    pub(super) task: JoinHandle<Parts>,
    pub(super) owed: Owed,
    pub(super) kept: Kept,
    /// The right under which the driver delivers.
    pub(super) tenure: Tenure,
    /// The driver's number.
    pub(super) number: u64,
}

/// A sink without a driver: another router drives it, or its reader is being opened.
pub(super) struct Waiting {
    pub(super) parts: Parts,
    pub(super) kept: Kept,
    pub(super) opening: Option<Opening>,
    /// The reader is not opened before this moment.
    pub(super) not_before: Option<Instant>,
}

/// A reader that is being opened.
pub(super) struct Opening {
    pub(super) tenure: Tenure,
    pub(super) number: u64,
    /// Dropping it gives the reader up.
    pub(super) _task: AbortOnDropHandle<()>,
}

/// The members of a sink that stay from one driver to the next, beside its parts.
pub(super) struct Kept {
    pub(super) options: Arc<SinkOptions>,
    pub(super) fingerprint: u64,
    start: Start,
    pub(super) untold: Untold,
    pub(super) repeats: Repeats,
}

/// The report of the events of former inputs, which is made once.
pub(super) enum Untold {
    /// The sink has not been opened.
    Unknown,
    /// Counted at the opening.
    Counted(BTreeMap<String, u64>),
    /// Reported.
    Told,
}

impl Untold {
    /// True if there are counts to report.
    pub(super) fn is_due(&self) -> bool {
        matches!(self, Untold::Counted(_))
    }

    /// Takes the counts, if they are not reported yet.
    pub(super) fn take(&mut self) -> Option<BTreeMap<String, u64>> {
        match std::mem::replace(self, Untold::Told) {
            Untold::Counted(debts) => Some(debts),
            Untold::Unknown | Untold::Told => None,
        }
    }
}

impl Kept {
    /// Describes the sink to the journal.
    pub(super) fn subscription(&self) -> Subscription {
        let inputs = self.options.inputs.iter().map(|name| &**name);
        Subscription {
            mappings: self.options.mappings.clone(),
            ..Subscription::new(inputs, self.start)
        }
    }

    /// Returns the name of the sink's rate group.
    pub(super) fn group(&self) -> &Arc<str> {
        &self.options.requests.rate_group
    }
}

/// Longest pause before a reader is opened again.
const LONGEST: Duration = Duration::from_secs(5);
/// Shortest pause.
const SHORTEST: Duration = Duration::from_millis(100);
/// Time without a failure after which the next one counts as the first.
const CALM: Duration = Duration::from_secs(30);

/// Failures in a row of a sink's readers: each pause is twice the one before.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    last: Option<(Instant, Duration)>,
}

impl Repeats {
    /// Notes a failure; returns the pause before the next try. The first failure needs none.
    pub(super) fn pause(&mut self, now: Instant) -> Duration {
        let recent = self.last.filter(|(at, _)| now.duration_since(*at) < CALM);
        let pause = recent.map_or(Duration::ZERO, |(_, before)| {
            (before * 2).clamp(SHORTEST, LONGEST)
        });
        self.last = Some((now, pause));
        pause
    }
}

impl SinkHandle {
    /// True if the journal counts events of one of these sources as the sink's although the source is not an input: it
    /// was an input when it left the pipeline, and is back now.
    pub(super) fn expects_any(&self, sources: &[BuiltSource]) -> bool {
        let inputs = &self.kept.options.inputs;
        let unasked =
            |source: &BuiltSource| self.owed.listens_to(&source.name) && !inputs.contains(&source.name);
        sources.iter().any(unasked)
    }
}

impl Running {
    /// Starts a sink that was built anew.
    pub(super) async fn start_sink(
        &mut self,
        sink: BuiltSink,
        telemetry: Option<&Telemetry>,
    ) -> Result<(), StartError> {
        let rate_group = self.rate_groups.get(&sink.options.requests.rate_group);
        let parts = Parts::new(sink.options, sink.stage, rate_group);
        let kept = Kept {
            options: parts.options.clone(),
            fingerprint: sink.fingerprint,
            start: sink.start,
            untold: Untold::Unknown,
            repeats: Repeats::default(),
        };
        let (name, tested) = (parts.options.name.clone(), parts.tested());
        let meters = telemetry.map(|telemetry| telemetry.sink_meters(&name));
        self.place(parts, kept, meters.unwrap_or_else(SinkMeters::none))
            .await?;
        self.view.show(&name, tested);
        Ok(())
    }

    /// Gives a sink its next driver. With a shared journal it waits until it is this router's turn.
    pub(super) async fn place(
        &mut self,
        parts: Parts,
        kept: Kept,
        meters: SinkMeters,
    ) -> Result<(), StartError> {
        let name = parts.options.name.clone();
        if self.shared {
            let waiting = Waiting {
                parts,
                kept,
                opening: None,
                not_before: None,
            };
            self.waiting.insert(name, waiting);
            return Ok(());
        }
        let tenure = self.turns.tenures().of(&name).cloned();
        let tenure =
            tenure.ok_or_else(|| StartError(format!("sinks.{name}: another router delivers to it")))?;
        let opened = self.journal.reader(&name, &kept.subscription()).await;
        let opened = opened.map_err(|error| StartError(format!("sinks.{name}: {error}")))?;
        self.run(parts, kept, opened, tenure, meters);
        Ok(())
    }

    /// Starts the driver of a sink whose reader is open.
    pub(super) fn run(
        &mut self,
        parts: Parts,
        mut kept: Kept,
        opened: (Box<dyn Reader>, Resumed),
        tenure: Tenure,
        meters: SinkMeters,
    ) {
        let name = parts.options.name.clone();
        let ledger = self.ledger.sinks.get(&name).cloned().unwrap_or_default();
        ledger.disabled.store(false, Relaxed);
        self.followed.leave(&name);
        ledger.drive_here(&opened.1);
        let stop = Stop {
            abort: self.ending.abort.child_token(),
            ..Stop::default()
        };
        let (shed, returned) = (Arc::new(LoadShed::default()), Arc::new(Notify::new()));
        let owed = opened.1.owed.clone();
        if let Untold::Unknown = kept.untold {
            kept.untold = Untold::Counted(crate::delivery::debts(&opened.1));
        }
        let driver = Driver::new(
            parts,
            opened,
            ledger,
            self.dead_letters.clone(),
            meters,
            (stop.clone(), shed.clone(), returned.clone()),
        )
        .with_history(self.ledger.history.clone())
        .with_taps(self.ledger.taps.clone())
        .under(tenure.clone());
        let number = self.turns.number();
        let ends = self.shared.then(|| self.turns.ends(name.clone(), number));
        let task = tokio::spawn(async move {
            let _ends = ends;
            driver.run().await
        });
        let handle = SinkHandle {
            stop,
            shed,
            returned,
            task,
            owed,
            kept,
            tenure,
            number,
        };
        self.sinks.insert(name, handle);
    }

    /// Takes a sink out of the pipeline once it stands still.
    ///
    /// # Errors
    /// A sentence if there is no such sink.
    pub(super) async fn take_out(&mut self, sink: &str) -> Result<(Parts, Kept), String> {
        if let Some(waiting) = self.waiting.remove(sink) {
            return Ok((waiting.parts, waiting.kept));
        }
        let Some(handle) = self.sinks.remove(sink) else {
            return Err(format!("there is no sink '{sink}'"));
        };
        handle.stop.leave.cancel();
        let parts = handle.task.await;
        let parts = parts.map_err(|_| format!("the sink '{sink}' has ended"))?;
        Ok((parts, handle.kept))
    }

    /// Lists the events of former inputs that a sink is owed, each time anew if they are reported already.
    pub(super) fn debts_of(&mut self, name: &str) -> Vec<Debt> {
        let Some(sink) = self.sinks.get_mut(name) else {
            return Vec::new();
        };
        let ledger = self.ledger.sinks.get(name);
        let live = || ledger.map(|ledger| ledger.debts()).unwrap_or_default();
        let by_source = sink.kept.untold.take().unwrap_or_else(live).into_iter();
        let debt = |(source, events)| Debt::Source {
            sink: name.to_owned(),
            source,
            events,
            filtered: sink.kept.options.filter_removed,
        };
        by_source.map(debt).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn readers_that_fail_again_and_again_are_opened_ever_later() {
        let mut repeats = Repeats::default();
        let mut pauses = |count: usize| -> Vec<u128> {
            let pause = || repeats.pause(Instant::now()).as_millis();
            std::iter::repeat_with(pause).take(count).collect()
        };
        let ladder = [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000];
        assert_eq!(pauses(9), ladder);
        tokio::time::advance(CALM).await;
        assert_eq!(pauses(3), [0, 100, 200]);
    }
}
