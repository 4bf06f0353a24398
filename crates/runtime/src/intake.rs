//! The runtime's side of a source's outlet: the source's transforms, then the journal, then the pace of its sinks.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::{Event, Fate, Flow, Intake, Reason, Refused, RefusedCause, RejectedInput, Transform};
use signalbox_journal::{AppendError, Appended, DeadLetter, Journal};

use crate::dead_letters::{DeadLetters, safe_id};
use crate::delivery::{LoadShed, guard};
use crate::ledger::{SinkLedger, SourceLedger};
use crate::plain_values::Watch;
use crate::source_notes::{Begun, SourceNotes};
use crate::tap::Taps;

/// `Retry-After` for clients while the router stops: another process may take over by then.
const STOPPING_RETRY: Duration = Duration::from_secs(5);
/// `Retry-After` while a sink makes room.
const SHEDDING_RETRY: Duration = Duration::from_secs(1);

/// A sink that listens to a source.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) name: Arc<str>,
    pub(crate) ledger: Arc<SinkLedger>,
    /// Set if the sink gives up its oldest events when the journal is full.
    pub(crate) shed: Option<Arc<LoadShed>>,
}

/// One source's way into the journal.
pub(crate) struct SourceIntake {
    pub(crate) name: Arc<str>,
    pub(crate) transforms: Vec<Box<dyn Transform>>,
    /// Set if one of the transforms hashes personal values.
    pub(crate) watch: Option<Watch>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) ledger: Arc<SourceLedger>,
    /// The sinks that listen to this source; a reload changes them.
    pub(crate) listeners: RwLock<Vec<Listener>>,
    pub(crate) dead_letters: Arc<DeadLetters>,
    /// Set if there is a history.
    pub(crate) notes: Option<SourceNotes>,
    pub(crate) taps: Taps,
    /// No more is taken in.
    pub(crate) closed: Arc<AtomicBool>,
}

impl SourceIntake {
    /// Runs the source's transforms; an error refuses all events. Each transform sees the whole request before the next
    /// one does, so that an event which the first filters does not count at the second.
    fn transform(&self, events: &mut [Event]) -> Result<Vec<Fate>, Refused> {
        let mut fates = vec![Fate::Accepted; events.len()];
        for transform in &self.transforms {
            let mut passing = events
                .iter()
                .zip(&fates)
                .filter_map(|(event, fate)| passes(fate).then_some(event));
            let admitted = guard("transform_panicked", || transform.admit(&mut passing));
            if let Ok(Err(after)) = admitted {
                return Err(refused(RefusedCause::RateLimited, after));
            }
            for (event, fate) in events.iter_mut().zip(&mut fates).filter(|(_, fate)| passes(fate)) {
                let flow = match &admitted {
                    Err(panicked) => Err(panicked.clone()),
                    Ok(_) => guard("transform_panicked", || transform.apply(event)),
                };
                match flow {
                    Ok(Flow::Pass) => {}
                    Ok(Flow::Filtered(reason)) => *fate = Fate::Filtered(reason),
                    Ok(Flow::Rejected(reason)) | Err(reason) => *fate = Fate::Rejected(reason),
                    // Building the pipeline refuses transforms that wait on a source.
                    Ok(Flow::NotBefore(until)) => {
                        let after = until.saturating_duration_since(std::time::Instant::now());
                        return Err(refused(RefusedCause::RateLimited, after));
                    }
                }
            }
        }
        if let Some(watch) = &self.watch {
            let passing = events.iter().zip(&fates).filter(|(_, fate)| passes(fate));
            passing.for_each(|(event, _)| watch.look(event, &self.name, &self.ledger.plain));
        }
        Ok(fates)
    }

    async fn take_in(&self, events: Vec<Event>) -> Result<Vec<Fate>, Refused> {
        let count = events.len() as u64;
        self.ledger.received.add(count);
        let ids = told_ids(&events);
        let (fates, letters, begun) = self
            .store(events)
            .await
            .inspect_err(|refused| self.ledger.refused.add(refused.cause.code(), count))?;
        // The letters come after the events: if they are refused, or the process ends here, the client sends all of it
        // again, and the stored events are duplicates. The other way round, each refusal for want of room would leave
        // the letters twice.
        let reasons = fates.iter().filter_map(|fate| match fate {
            Fate::Rejected(reason) => Some(reason),
            _ => None,
        });
        self.bury(letters, reasons).await?;
        self.tell_taken_in(ids, &fates);
        if let (Some(notes), Some(begun)) = (&self.notes, begun) {
            notes.end(&begun, &fates);
        }
        Ok(fates)
    }

    /// Stores the events that pass the transforms, and counts all but the rejected ones; returns what became of each,
    /// the letters of the rejected ones, and the parts of all that the history may need.
    async fn store(
        &self,
        mut events: Vec<Event>,
    ) -> Result<(Vec<Fate>, Vec<DeadLetter>, Option<Begun>), Refused> {
        self.open()?;
        let mut fates = self.transform(&mut events)?;
        let begun = self.notes.as_ref().map(|notes| notes.begin(&events, &fates));
        let chosen = self.taps.choose(&self.name, &events);
        let (kept, letters) = self.kept(events, &fates);
        let mut appended = self.append(kept).await?.into_iter();
        // Nothing is counted before the journal has it: a refused request will come again.
        for fate in &mut fates {
            match fate {
                Fate::Filtered(reason) => self.ledger.filtered.add(reason.code(), 1),
                Fate::Accepted if appended.next() == Some(Appended::Duplicate) => {
                    self.ledger.duplicate.add(1);
                    *fate = Fate::Duplicate;
                }
                Fate::Rejected(_) | Fate::Accepted | Fate::Duplicate => {}
            }
        }
        Taps::show_fates(&self.name, chosen, &fates);
        Ok((fates, letters, begun))
    }

    async fn bury_input(&self, rejected: &[RejectedInput]) -> Result<(), Refused> {
        let count = rejected.len() as u64;
        self.ledger.received.add(count);
        self.open()
            .inspect_err(|refused| self.ledger.refused.add(refused.cause.code(), count))?;
        let component = self.component();
        let letters = rejected
            .iter()
            .map(|input| self.dead_letters.input(&component, input))
            .collect();
        self.bury(letters, rejected.iter().map(|input| &input.reason))
            .await?;
        if let Some(notes) = &self.notes {
            notes.inputs(rejected);
        }
        Ok(())
    }

    /// Makes dead letters durable and counts them by their reasons: as rejected, or as refused if they cannot be kept.
    async fn bury<'r>(
        &self,
        letters: Vec<DeadLetter>,
        reasons: impl Iterator<Item = &'r Reason>,
    ) -> Result<(), Refused> {
        if letters.is_empty() {
            return Ok(());
        }
        let count = letters.len() as u64;
        let buried = self.journal.bury(letters).await;
        buried.map_err(|error| {
            let refused = self.refusal(error);
            self.ledger.refused.add(refused.cause.code(), count);
            refused
        })?;
        for reason in reasons {
            self.ledger.rejected.add(reason.code(), 1);
        }
        self.save_totals();
        // The counts shall survive as long as the letters. If they cannot be written now, the journal logs it and tries
        // again; the letters are safe.
        let _ = self.journal.save_counts().await;
        Ok(())
    }

    fn open(&self) -> Result<(), Refused> {
        if self.closed.load(Relaxed) {
            return Err(refused(RefusedCause::Stopping, STOPPING_RETRY));
        }
        Ok(())
    }

    fn save_totals(&self) {
        self.journal.save_source(&self.name, self.ledger.totals());
    }

    /// Logs the fate of each event of a request.
    fn tell_taken_in(&self, ids: Vec<String>, fates: &[Fate]) {
        for (message_id, fate) in ids.into_iter().zip(fates) {
            let (outcome, reason) = match fate {
                Fate::Accepted => ("journalled", ""),
                Fate::Duplicate => ("duplicate", ""),
                Fate::Filtered(reason) => ("filtered", reason.code()),
                Fate::Rejected(reason) => ("rejected", reason.code()),
            };
            tracing::debug!(
                source = &*self.name,
                message_id,
                outcome,
                reason,
                "event taken in"
            );
        }
    }

    /// The accepted ones, and letters of the rejected ones.
    fn kept(&self, events: Vec<Event>, fates: &[Fate]) -> (Vec<Event>, Vec<DeadLetter>) {
        if fates.iter().all(|fate| matches!(fate, Fate::Accepted)) {
            // Nearly always; each event is some hundred bytes that would be moved.
            return (events, Vec::new());
        }
        let (mut kept, mut letters) = (Vec::with_capacity(events.len()), Vec::new());
        for (event, fate) in events.into_iter().zip(fates) {
            match fate {
                Fate::Rejected(reason) => {
                    letters.push(
                        self.dead_letters
                            .letter(&self.component(), &event, None, "", reason),
                    );
                }
                Fate::Accepted => kept.push(event),
                Fate::Filtered(_) | Fate::Duplicate => {}
            }
        }
        (kept, letters)
    }

    async fn append(&self, events: Vec<Event>) -> Result<Vec<Appended>, Refused> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let appended = self.journal.append(events).await;
        let appended = appended.map_err(|error| self.refusal(error))?;
        let stored = appended
            .iter()
            .filter(|fate| matches!(fate, Appended::Stored(_)))
            .count() as u64;
        self.ledger.journalled.add(stored);
        Ok(appended)
    }

    fn refusal(&self, error: AppendError) -> Refused {
        match error {
            AppendError::Full { retry_after } => self.full(retry_after),
            AppendError::Closed => refused(RefusedCause::Stopping, STOPPING_RETRY),
            // The journal logs the cause, once.
            AppendError::Failed(_) => refused(RefusedCause::Unwritable, STOPPING_RETRY),
        }
    }

    /// Requests room from the sink that keeps the journal full, if it prefers new events to old ones.
    fn full(&self, retry_after: Duration) -> Refused {
        let slowest = self.journal.slowest().map(|(name, _)| name);
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        let mut listeners = listeners
            .iter()
            .filter(|listener| slowest.as_deref() == Some(&*listener.name));
        let Some(shed) = listeners.find_map(|listener| listener.shed.as_ref()) else {
            return refused(RefusedCause::Full, retry_after);
        };
        shed.ask();
        refused(RefusedCause::Full, retry_after.min(SHEDDING_RETRY))
    }

    fn component(&self) -> String {
        format!("source:{}", self.name)
    }

    /// Takes events in and answers at once, however far behind the sinks are; see [`crate::backpressure`].
    pub(crate) async fn send_unpaced(self: &Arc<Self>, events: Vec<Event>) -> Result<Vec<Fate>, Refused> {
        let intake = self.clone();
        self.finish(async move { intake.take_in(events).await }).await
    }

    /// Runs `work` to its end, even if the client hangs up meanwhile, then saves the totals.
    async fn finish<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, Refused>> + Send + 'static,
    ) -> Result<T, Refused> {
        let intake = self.clone();
        let work = tokio::spawn(async move {
            let result = work.await;
            intake.save_totals();
            result
        });
        // No known input makes it panic. If it did, the client would have to send the events again.
        work.await
            .unwrap_or_else(|_| Err(refused(RefusedCause::Stopping, STOPPING_RETRY)))
    }

    /// Returns the ledger of a listener. The sinks are awaited one after another, and a reload may change them
    /// meanwhile.
    fn sink(&self, index: usize) -> Option<Arc<SinkLedger>> {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        listeners.get(index).map(|listener| listener.ledger.clone())
    }
}

/// Returns the ids under which a log of level debug names events; nothing at other levels.
fn told_ids(events: &[Event]) -> Vec<String> {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return Vec::new();
    }
    events.iter().map(|event| safe_id(event.message_id())).collect()
}

fn passes(fate: &Fate) -> bool {
    matches!(fate, Fate::Accepted)
}

fn refused(cause: RefusedCause, retry_after: Duration) -> Refused {
    Refused { cause, retry_after }
}

#[async_trait]
impl Intake for SourceIntake {
    async fn send(self: Arc<Self>, events: Vec<Event>) -> Result<Vec<Fate>, Refused> {
        let fates = self.send_unpaced(events).await?;
        let mut next = 0;
        while let Some(sink) = self.sink(next) {
            sink.backpressure.wait(sink.journalled.get()).await;
            next += 1;
        }
        Ok(fates)
    }

    async fn reject(self: Arc<Self>, rejected: Vec<RejectedInput>) -> Result<(), Refused> {
        let intake = self.clone();
        self.finish(async move { intake.bury_input(&rejected).await })
            .await
    }

    fn refuse(&self, events: u64, reason: Reason) {
        self.ledger.received.add(events);
        self.ledger.refused.add(reason.code(), events);
        self.save_totals();
    }
}
