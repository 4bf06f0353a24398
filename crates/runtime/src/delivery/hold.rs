//! Holding: no record is at fault, so deliveries stop until the cause has ended, and everything is kept. A probe asks a
//! refusing destination now and then.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use signalbox_core::Reason;
use tokio::time::Instant;

use super::driver::{Done, Driver};
use super::item::First;
use super::options::SinkOptions;
use crate::hold::HoldCause;

/// First and longest wait between probes while held.
const PROBE_FIRST: Duration = Duration::from_secs(5);
const PROBE_MAX: Duration = Duration::from_secs(60);

/// The causes that hold a sink, and the time on hold.
#[derive(Debug)]
pub(super) struct Holds {
    causes: BTreeMap<HoldCause, Reason>,
    /// Start of the present hold; `None` without one.
    since: Option<Instant>,
    /// Time on hold, past holds only.
    past: Duration,
    /// Time of the next probe. `None` while an answer is awaited, and without a hold that a probe could end.
    next_probe: Option<Instant>,
    /// Time from the beginning of a hold, or from a probe, to the next probe. A probe can succeed where deliveries do
    /// not, so only a delivery resets it.
    wait: Duration,
}

impl Holds {
    /// Returns the state of a sink that is not on hold.
    pub(super) fn none() -> Holds {
        Holds {
            causes: BTreeMap::new(),
            since: None,
            past: Duration::ZERO,
            next_probe: None,
            wait: PROBE_FIRST,
        }
    }

    /// Prepares the state for the next driver of the same sink. That driver asks the destination at once: an operator
    /// who retries or replays may have put things right.
    pub(super) fn taken_over(mut self, options: &SinkOptions) -> Holds {
        let now = Instant::now();
        self.causes.retain(|cause, _| *cause == HoldCause::Destination);
        self.next_probe = (!self.causes.is_empty()).then_some(now);
        if options.hold {
            let reason = Reason::new("on_hold", "the pipeline file says `hold = true` for this sink");
            self.causes.insert(HoldCause::Operator, reason);
        }
        self.past = Duration::ZERO;
        self.since = (!self.causes.is_empty()).then_some(now);
        for (cause, reason) in &self.causes {
            tracing::warn!(
                sink = %options.name,
                cause = cause.code(),
                reason = reason.code(),
                "starts on hold: {}",
                reason.message()
            );
        }
        self
    }

    pub(super) fn any(&self) -> bool {
        !self.causes.is_empty()
    }

    pub(super) fn next_probe(&self) -> Option<Instant> {
        self.next_probe
    }

    pub(super) fn causes(&self) -> &BTreeMap<HoldCause, Reason> {
        &self.causes
    }

    /// Total time on hold so far.
    pub(super) fn time(&self) -> Duration {
        self.past + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Asks the destination at once, if a probe is planned at all.
    pub(super) fn ask_now(&mut self) {
        if let Some(at) = &mut self.next_probe {
            *at = Instant::now();
        }
    }

    /// Plans the next probe; each wait is twice the one before.
    fn ask_later(&mut self) {
        self.next_probe = Some(Instant::now() + self.wait);
        self.wait = (self.wait * 2).min(PROBE_MAX);
    }
}

impl Driver {
    /// Pauses deliveries until the cause has ended.
    pub(super) fn enter_hold(&mut self, cause: HoldCause, reason: Reason) {
        if self.holds.causes.contains_key(&cause) {
            return;
        }
        tracing::error!(
            sink = %self.options.name,
            cause = cause.code(),
            reason = reason.code(),
            "deliveries are on hold, nothing is lost: {}",
            reason.message()
        );
        self.holds.since.get_or_insert_with(Instant::now);
        if cause == HoldCause::Destination {
            self.holds.ask_later();
        }
        self.ledger.held.begin(cause, reason.clone());
        self.holds.causes.insert(cause, reason);
    }

    /// Ends a cause; deliveries go on if it was the last.
    pub(super) fn end_hold(&mut self, cause: HoldCause) {
        if self.holds.causes.remove(&cause).is_none() {
            return;
        }
        self.ledger.held.end(cause);
        if cause == HoldCause::Destination {
            self.holds.next_probe = None;
            self.episodes.forget_streak();
        }
        match self.holds.causes.first_key_value() {
            None => {
                self.holds.past = self.holds.time();
                self.holds.since = None;
                tracing::info!(sink = %self.options.name, cause = cause.code(), "deliveries go on");
            }
            Some((other, reason)) => tracing::info!(
                sink = %self.options.name,
                cause = cause.code(),
                "a hold has ended, another goes on ({}): {}",
                other.code(),
                reason.message()
            ),
        }
    }

    /// Ends the hold by the destination, since a delivery succeeded.
    pub(super) fn destination_accepts(&mut self) {
        self.holds.wait = PROBE_FIRST;
        self.end_hold(HoldCause::Destination);
    }

    pub(super) fn probe(&mut self) {
        // The answer to this probe sets the next one.
        self.holds.next_probe = None;
        let (sink, limit) = (self.stage.sink.clone(), self.options.timeout);
        self.attempts.spawn(async move {
            let probe = AssertUnwindSafe(sink.probe()).catch_unwind();
            Done::Probe(match tokio::time::timeout(limit, probe).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Reason::new("probe_panicked", "the probe panicked")),
                Err(_) => Err(Reason::new("timed_out", "the probe was not answered in time")),
            })
        });
    }

    pub(super) fn probed(&mut self, result: Result<(), Reason>) {
        if !self.holds.causes.contains_key(&HoldCause::Destination) {
            return;
        }
        match result {
            Ok(()) => self.end_hold(HoldCause::Destination),
            Err(reason) => {
                self.holds.ask_later();
                tracing::warn!(
                    sink = %self.options.name,
                    reason = reason.code(),
                    "still on hold: {}",
                    reason.message()
                );
            }
        }
    }

    /// How long a record has been tried, without the time on hold.
    pub(super) fn tried_for(&self, first: First) -> Duration {
        let held = self.holds.time().saturating_sub(first.held);
        (first.earlier + first.at.elapsed()).saturating_sub(held)
    }
}
