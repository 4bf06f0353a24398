//! The settings of a driver.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::limiter::Quota;

use crate::rate_group::Member;
use crate::routing::Route;

/// Settings of one sink, completed with its plugin's defaults.
#[derive(Debug, Clone, Default)]
pub struct SinkOptions {
    /// Its name in the pipeline file.
    pub name: Arc<str>,
    /// The sources it listens to.
    pub inputs: Vec<Arc<str>>,
    /// The names of its transforms.
    pub through: Vec<Arc<str>>,
    /// True if the sink filters pending events of sources that are no longer its inputs, instead of delivering them.
    pub filter_removed: bool,
    /// The sink's mappings by name, with fingerprints.
    pub mappings: BTreeMap<String, String>,
    /// True if the sink is no longer in the pipeline file. Every event that the journal holds for it then counts as its
    /// own.
    pub orphan: bool,
    /// The events that are meant for it.
    pub route: Route,
    /// The limits of a batch.
    pub batch: BatchLimits,
    /// The limits of requests.
    pub requests: RequestLimits,
    /// The waits between attempts.
    pub retry: RetryPolicy,
    /// Age of an event at delivery beyond which its record counts as late.
    pub late_after: Option<Duration>,
    /// Age of an event at delivery beyond which the destination no longer attributes it.
    pub unattributed_after: Option<Duration>,
    /// Time for which the key of a delivered record is not sent again; `None` remembers no keys.
    pub duplicate_window: Option<Duration>,
    /// True if the journal keeps unsettled events at the end; events that wait for a transform then stay there.
    pub durable: bool,
    /// True if the operator holds the sink.
    pub hold: bool,
    /// True if the sink gives up its oldest events when the journal is full.
    pub shed_when_full: bool,
    /// The limits of unsettled events.
    pub window: WindowLimits,
}

impl SinkOptions {
    /// Returns the options of a removed sink, which sends nothing.
    pub(crate) fn without_destination(name: &str) -> SinkOptions {
        SinkOptions {
            name: name.into(),
            orphan: true,
            batch: BatchLimits {
                max_events: 1,
                max_bytes: 1,
                max_wait: Duration::ZERO,
            },
            retry: RetryPolicy {
                window: Duration::ZERO,
                initial: Duration::from_secs(1),
                max: Duration::from_secs(1),
                maybe_duplicates: true,
            },
            durable: true,
            window: WindowLimits {
                events: 1_000,
                bytes: 1 << 20,
            },
            ..SinkOptions::default()
        }
    }
}

/// A batch goes when it is full by count or bytes, or when its first record has waited long enough.
#[derive(Debug, Clone, Copy, Default)]
pub struct BatchLimits {
    /// Records.
    pub max_events: usize,
    /// Bytes of the request's body, framing included.
    pub max_bytes: usize,
    /// Longest wait of the first record.
    pub max_wait: Duration,
}

/// The limits of a sink's requests.
#[derive(Debug, Clone, Default)]
pub struct RequestLimits {
    /// Attempts under way at once.
    pub concurrency: usize,
    /// Time for one attempt.
    pub timeout: Duration,
    /// Attempts in any 60 seconds, retries and halves included; `None` is no limit. The lowest limit of the rate group
    /// applies.
    pub calls: Option<Quota>,
    /// The rate group; its sinks share one limit.
    pub rate_group: Arc<str>,
}

impl RequestLimits {
    /// Returns the limits as those of a member of the rate group.
    pub(crate) fn member(&self) -> Member<'_> {
        Member {
            group: &self.rate_group,
            calls: self.calls,
            timeout: self.timeout,
        }
    }
}

/// Number and memory of unsettled events at which a sink reads no further.
#[derive(Debug, Clone, Copy, Default)]
pub struct WindowLimits {
    /// Events.
    pub events: usize,
    /// Bytes of the events and their records, about.
    pub bytes: usize,
}

/// Exponential backoff with jitter, bounded in time.
#[derive(Debug, Clone, Copy, Default)]
pub struct RetryPolicy {
    /// Time for which a record is tried, from its first attempt; time on hold does not count.
    pub window: Duration,
    /// The first wait.
    pub initial: Duration,
    /// The longest wait.
    pub max: Duration,
    /// True if a record that may have been written, and that the destination would not recognise as a duplicate, is
    /// tried again (it may count twice); false if it is rejected (it may be missing).
    pub maybe_duplicates: bool,
}

impl RetryPolicy {
    /// Returns the wait after a number of failures in a row. It doubles each time; the jitter takes it from the upper
    /// half, so that many clients of one destination do not come back at once.
    pub fn backoff(&self, failures: u32) -> Duration {
        let doubled = self
            .initial
            .saturating_mul(1 << failures.saturating_sub(1).min(20))
            .min(self.max);
        doubled.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}
