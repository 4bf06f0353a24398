//! Holding: no record is at fault, the operator must act. Everything is kept, and a probe now and then finds out when
//! deliveries work again.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use signalbox_core::Reason;
use tokio::time::Instant;

use super::driver::{Done, Driver};
use super::item::First;

/// First and longest wait between probes while held.
const PROBE_FIRST: Duration = Duration::from_secs(5);
const PROBE_MAX: Duration = Duration::from_secs(60);

/// A sink on hold.
pub(super) struct Hold {
    since: Instant,
    next_probe: Option<Instant>,
    wait: Duration,
}

impl Hold {
    /// When to ask next; `None` while an answer is awaited.
    pub(super) fn next_probe(&self) -> Option<Instant> {
        self.next_probe
    }
}

impl Driver {
    /// Pauses everything until a probe says that deliveries work again.
    pub(super) fn enter_hold(&mut self, reason: Reason) {
        let now = Instant::now();
        if self.hold.is_none() {
            tracing::error!(
                sink = %self.options.name,
                reason = reason.code(),
                "deliveries are on hold, nothing is lost: {}",
                reason.message()
            );
            self.hold = Some(Hold {
                since: now,
                next_probe: Some(now + PROBE_FIRST),
                wait: PROBE_FIRST,
            });
            self.ledger.set_held(Some(reason));
        }
    }

    pub(super) fn probe(&mut self) {
        if let Some(hold) = &mut self.hold {
            // The next one is set when this one has answered.
            hold.next_probe = None;
        }
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
        let Some(hold) = &mut self.hold else { return };
        match result {
            Ok(()) => {
                self.held += hold.since.elapsed();
                self.hold = None;
                self.ledger.set_held(None);
                self.episodes.forget_streak();
                tracing::info!(sink = %self.options.name, "deliveries go on");
            }
            Err(reason) => {
                hold.wait = (hold.wait * 2).min(PROBE_MAX);
                hold.next_probe = Some(Instant::now() + hold.wait);
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
        let held_now = self
            .hold
            .as_ref()
            .map_or(Duration::ZERO, |hold| hold.since.elapsed());
        let held = (self.held + held_now).saturating_sub(first.held);
        (first.earlier + first.at.elapsed()).saturating_sub(held)
    }
}
