//! The sinks of a running pipeline. A sink has a driver or waits for one.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use signalbox_core::StartError;
use signalbox_journal::{Reader, Resumed, Tenure};
use tokio::sync::Notify;

use super::Running;
use super::handles::{Kept, Repeats, SinkHandle, Untold, Waiting};
use crate::debts::Debt;
use crate::delivery::{Driver, LoadShed, Parts, Stop};
use crate::pipeline::BuiltSink;
use crate::telemetry::{SinkMeters, Telemetry};

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
            opened_under: None,
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
            // Sources start before it is known which router drives the sink, and it must miss none of their events.
            let registered = self.journal.register(&name, &kept.subscription()).await;
            registered.map_err(|error| StartError(format!("sinks.{name}: {error}")))?;
            let waiting = Waiting {
                parts,
                kept,
                opening: None,
                failing: None,
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
        ledger.unopened.store(false, Relaxed);
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
