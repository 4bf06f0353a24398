//! Probing the sinks of a pipeline that does not run, for `validate --probe`.

use std::time::Duration;

use signalbox_core::{Reason, Sink};

use crate::delivery::SinkOptions;
use crate::rate_group::RateGroups;

/// The rate limits of probes. Sinks of one rate group share a limit, as in a running router.
#[derive(Debug)]
pub struct Probes {
    groups: RateGroups,
}

impl Probes {
    /// Arranges the rate groups of these sinks, each with a full bucket: this process has called nothing so far.
    pub fn new<'a>(sinks: impl Iterator<Item = &'a SinkOptions>) -> Probes {
        let mut groups = RateGroups::default();
        groups.arrange(sinks.map(|options| options.requests.member()), Duration::MAX);
        Probes { groups }
    }

    /// Probes a sink once the limit of its rate group lets the call through.
    ///
    /// # Errors
    /// The reason why the destination would not take deliveries; `timed_out` if it does not answer within the sink's
    /// timeout, the wait for the limit left out.
    pub async fn probe(&self, options: &SinkOptions, sink: &dyn Sink) -> Result<(), Reason> {
        let group = self.groups.get(&options.requests.rate_group);
        while let Err(wait) = group.take() {
            tracing::info!(sink = %options.name, ?wait, "the probe waits for the rate limit");
            // A wait shorter than the timer's resolution would make the loop spin.
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
        let timeout = options.requests.timeout;
        let answer = tokio::time::timeout(timeout, sink.probe()).await;
        answer.unwrap_or_else(|_| Err(Reason::new("timed_out", format!("no answer within {timeout:?}"))))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use async_trait::async_trait;
    use signalbox_core::limiter::Quota;
    use signalbox_core::{Batch, Event, Outcome, Prepared, Report};
    use tokio::time::Instant;

    use super::*;
    use crate::delivery::RequestLimits;

    /// A sink whose destination answers a probe after this time.
    struct Answers(Duration);

    #[async_trait]
    impl Sink for Answers {
        fn prepare(&self, _: &Event) -> Prepared {
            Prepared::Rejected(Reason::new("unused", ""))
        }

        async fn deliver(&self, batch: Batch) -> Report {
            batch.settle_all(|_| Outcome::delivered())
        }

        async fn probe(&self) -> Result<(), Reason> {
            tokio::time::sleep(self.0).await;
            Ok(())
        }
    }

    fn options(group: &str, calls: Option<u32>) -> SinkOptions {
        SinkOptions {
            requests: RequestLimits {
                timeout: Duration::from_secs(10),
                calls: calls.and_then(NonZeroU32::new).map(Quota::per_minute),
                rate_group: group.into(),
                ..RequestLimits::default()
            },
            ..SinkOptions::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sinks_of_a_group_share_its_limit() {
        let sinks = [
            options("account", Some(10)),
            options("account", None),
            options("other", None),
        ];
        let probes = Probes::new(sinks.iter());
        let at_once = Answers(Duration::ZERO);
        let started = Instant::now();
        let mut times = Vec::new();
        for sink in &sinks {
            probes.probe(sink, &at_once).await.unwrap();
            times.push(started.elapsed().as_secs());
        }
        // Ten calls a minute leave a burst of one, and the next six seconds later.
        assert_eq!(times[0], 0);
        assert!((5..=60).contains(&times[1]), "{times:?}");
        assert_eq!(times[1], times[2]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_timeout_counts_from_the_call() {
        let sink = options("account", Some(10));
        let probes = Probes::new(std::iter::once(&sink));
        let answer = probes.probe(&sink, &Answers(Duration::from_secs(9))).await;
        assert_eq!(answer, Ok(()));
        let late = probes.probe(&sink, &Answers(Duration::from_secs(11))).await;
        assert_eq!(late.unwrap_err().to_string(), "no answer within 10s (timed_out)");
    }
}
