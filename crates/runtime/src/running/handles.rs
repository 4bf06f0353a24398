//! The components of a running pipeline: sinks with a driver, sinks that wait for one, and sources.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use signalbox_journal::{Owed, Start, Subscription, Tenure};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::delivery::{LoadShed, Parts, SinkOptions, Stop};
use crate::intake::SourceIntake;
use crate::pipeline::BuiltSource;
use crate::sockets::SocketAccess;

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
    /// The right under which its reader cannot be opened, and since when.
    pub(super) failing: Option<(Tenure, Instant)>,
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
    pub(super) start: Start,
    pub(super) untold: Untold,
    pub(super) repeats: Repeats,
    /// The right under which its reader was opened last.
    pub(super) opened_under: Option<Tenure>,
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

/// A source that runs.
pub(super) struct SourceHandle {
    /// Keeps its listening sockets open.
    pub(super) access: SocketAccess,
    pub(super) shutdown: CancellationToken,
    pub(super) intake: Arc<SourceIntake>,
    pub(super) fingerprint: u64,
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
