//! Attempts under way. They run beside the driver; each ends as a verdict, even if the sink panics or takes too long.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt as _;
use signalbox_core::{Batch, Outcome, Reason, Report, Response, Sink, Verdict};
use signalbox_journal::{Position, Tenure};
use tokio::task::{JoinError, JoinSet};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};

use super::item::Group;

/// The attempts and probes of one sink.
pub(super) struct Attempts {
    tenure: Tenure,
    tasks: JoinSet<Done>,
    flights: HashMap<u64, Flight>,
    /// The ticket of the last attempt.
    last: u64,
}

/// A batch on its way.
pub(super) struct Flight {
    pub(super) ticket: u64,
    pub(super) group: Group,
    pub(super) started: Instant,
    /// The destination's response, once it is there.
    pub(super) response: Option<Response>,
}

enum Done {
    Attempt(u64, Verdict, Option<Response>),
    Probe(Result<(), Reason>),
}

/// The end of an attempt or a probe.
pub(super) enum Landed {
    Attempt(Flight, Verdict),
    Probe(Result<(), Reason>),
}

impl Attempts {
    /// Begins without any; they run while the right holds.
    pub(super) fn under(tenure: Tenure) -> Attempts {
        Attempts {
            tenure,
            tasks: JoinSet::new(),
            flights: HashMap::new(),
            last: 0,
        }
    }

    /// Number of batches on their way.
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// Positions of the events in these batches.
    pub(super) fn positions(&self) -> HashSet<Position> {
        let items = self.flights.values().flat_map(|flight| &flight.group.items);
        items.map(|item| item.position).collect()
    }

    /// Returns the ticket of the next attempt.
    pub(super) fn next_ticket(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Starts an attempt.
    pub(super) fn start(&mut self, sink: Arc<dyn Sink>, limit: Duration, flight: Flight) {
        let ticket = flight.ticket;
        let records = flight.group.items.iter().map(|item| item.record.clone());
        let batch = Batch::new(ticket, records.collect());
        let tenure = self.tenure.clone();
        self.tasks.spawn(async move {
            let deliver = AssertUnwindSafe(while_held(&tenure, sink.deliver(batch))).catch_unwind();
            let (verdict, response) = verdict(ticket, timeout(limit, deliver).await);
            Done::Attempt(ticket, verdict, response)
        });
        self.flights.insert(ticket, flight);
    }

    /// Starts a probe.
    pub(super) fn probe(&mut self, sink: Arc<dyn Sink>, limit: Duration) {
        let tenure = self.tenure.clone();
        self.tasks.spawn(async move {
            let probe = AssertUnwindSafe(while_held(&tenure, sink.probe())).catch_unwind();
            Done::Probe(match timeout(limit, probe).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Reason::new("probe_panicked", "the probe panicked")),
                Err(_) => Err(Reason::new("timed_out", "the probe was not answered in time")),
            })
        });
    }

    /// Returns the next attempt or probe that ends; `None` if none is under way. Cancel safe.
    ///
    /// # Errors
    /// [`JoinError`] if a task was lost. Tasks catch their panics, so this happens only when the process ends.
    pub(super) async fn next(&mut self) -> Option<Result<Landed, JoinError>> {
        loop {
            match self.tasks.join_next().await? {
                Ok(Done::Probe(result)) => return Some(Ok(Landed::Probe(result))),
                Ok(Done::Attempt(ticket, verdict, response)) => {
                    if let Some(mut flight) = self.flights.remove(&ticket) {
                        flight.response = response;
                        return Some(Ok(Landed::Attempt(flight, verdict)));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Cancels all attempts.
    pub(super) async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }
}

/// Interval at which work that stands still looks whether the right was renewed, at the last moment.
const AGAIN: Duration = Duration::from_millis(20);

/// Goes on with work only while the right holds; else it stands still, until the driver cancels it or its time is over. A process
/// that was paused goes on where it was, perhaps between the start of an attempt and its request.
async fn while_held<T>(tenure: &Tenure, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        let goes_on = |context: &mut std::task::Context<'_>| match tenure.holds() {
            true => work.as_mut().poll(context).map(Some),
            false => Poll::Ready(None),
        };
        match poll_fn(goes_on).await {
            Some(done) => return done,
            None => tokio::time::sleep(AGAIN).await,
        }
    }
}

/// Returns the verdict of an attempt that ran to its end, panicked or took too long, and the response if there was one.
fn verdict(
    ticket: u64,
    mut ended: Result<std::thread::Result<Report>, Elapsed>,
) -> (Verdict, Option<Response>) {
    let response = match &mut ended {
        Ok(Ok(report)) => report.take_response(),
        _ => None,
    };
    let verdict = match ended {
        Ok(Ok(report)) => match report.into_parts() {
            (same, verdict) if same == ticket => verdict,
            _ => Verdict::Isolate(Reason::new("wrong_report", "the sink reported on another batch")),
        },
        Ok(Err(_)) => Verdict::Isolate(Reason::new(
            "delivery_panicked",
            "the sink panicked on this batch",
        )),
        Err(_) => Verdict::All(Outcome::Retry {
            reason: Reason::new("timed_out", "the destination did not answer in time"),
            after: None,
            maybe_written: true,
        }),
    };
    (verdict, response)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use tokio_util::task::AbortOnDropHandle;

    use super::*;

    #[tokio::test]
    async fn work_that_has_begun_stands_still_while_the_right_does_not_hold() {
        let hour = std::time::Instant::now() + Duration::from_secs(3600);
        let (renew, until) = tokio::sync::watch::channel(hour);
        let tenure = Tenure::renewed(until, false);
        let steps = Arc::new(AtomicU32::new(0));
        let counted = steps.clone();
        let work = async move {
            loop {
                counted.fetch_add(1, Relaxed);
                tokio::task::yield_now().await;
            }
        };
        let _work = AbortOnDropHandle::new(tokio::spawn(async move { while_held(&tenure, work).await }));
        while steps.load(Relaxed) < 3 {
            tokio::task::yield_now().await;
        }
        renew.send_replace(std::time::Instant::now());
        let before = steps.load(Relaxed);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(steps.load(Relaxed), before);
        renew.send_replace(hour);
        while steps.load(Relaxed) == before {
            tokio::time::sleep(AGAIN).await;
        }
    }
}
