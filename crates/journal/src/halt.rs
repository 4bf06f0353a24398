//! Halts: the times when the journal takes no events in, and why. A halt is logged once when it begins, and once with
//! its cost when it ends.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::mutex::lock;
use crate::panic_guard::io;
use crate::{JournalError, Refusing};

/// The cause of a halt; the causes that pass soonest come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// A write failed; the next one may succeed.
    Failing,
    /// The disk is full. Nothing is written until there is room for the state and the ids, which go first.
    Full,
    /// Files were deleted or replaced. Anything written now would be lost when the process ends.
    Gone,
}

impl Cause {
    pub(crate) fn of(error: &std::io::Error) -> Cause {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Cause::Full,
            _ => Cause::Failing,
        }
    }
}

/// A write that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    pub(crate) error: JournalError,
}

impl Failure {
    /// Makes the failure for an error of the system with a file.
    pub(crate) fn at(path: &Path, error: &std::io::Error) -> Failure {
        Failure {
            cause: Cause::of(error),
            error: io(error).at(path),
        }
    }
}

#[derive(Debug)]
struct Halt {
    cause: Cause,
    why: String,
    since: Instant,
    last: Instant,
    refused: u64,
}

/// The time without a failed write after which the next one is expected to succeed.
const QUIET: Duration = Duration::from_secs(10);

/// The journal's halt, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Halts {
    /// True during a halt; each commit looks at it.
    any: AtomicBool,
    now: Mutex<Option<Halt>>,
}

impl Halts {
    /// Begins a halt, or adds to one; `refused` appends were just refused.
    pub(crate) fn begin(&self, cause: Cause, why: &str, refused: u64) {
        let mut now = lock(&self.now);
        let before = now.as_mut().filter(|halt| halt.cause >= cause);
        if let Some(halt) = before {
            halt.refused += refused;
            halt.last = Instant::now();
            return;
        }
        let (since, so_far) = now
            .as_ref()
            .map_or((Instant::now(), 0), |halt| (halt.since, halt.refused));
        tracing::error!("the journal takes no events in: {why}");
        *now = Some(Halt {
            cause,
            why: why.to_owned(),
            since,
            last: Instant::now(),
            refused: so_far + refused,
        });
        self.any.store(true, Ordering::Release);
    }

    /// Ends the halt if its cause is `cause`, or one that passes sooner.
    pub(crate) fn end(&self, cause: Cause) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut now = lock(&self.now);
        if let Some(halt) = now.take_if(|halt| halt.cause <= cause) {
            self.any.store(false, Ordering::Release);
            tracing::warn!(
                requests_refused = halt.refused,
                seconds = halt.since.elapsed().as_secs(),
                "the journal takes events in again"
            );
        }
    }

    /// The cause of the present halt.
    pub(crate) fn cause(&self) -> Option<Cause> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        lock(&self.now).as_ref().map(|halt| halt.cause)
    }

    /// True if no write has failed for a while.
    pub(crate) fn quiet(&self) -> bool {
        lock(&self.now)
            .as_ref()
            .is_none_or(|halt| halt.last.elapsed() > QUIET)
    }

    pub(crate) fn gone(&self) -> bool {
        self.cause() == Some(Cause::Gone)
    }

    /// Refuses this number of appends if there is no use in trying them.
    pub(crate) fn refuse(&self, appends: u64) -> Option<JournalError> {
        if self.cause()? < Cause::Full {
            return None;
        }
        let mut now = lock(&self.now);
        let halt = now.as_mut()?;
        halt.refused += appends;
        Some(JournalError(halt.why.clone()))
    }

    pub(crate) fn told(&self) -> Option<Refusing> {
        lock(&self.now).as_ref().map(|halt| Refusing {
            why: halt.why.clone(),
            until_restart: halt.cause == Cause::Gone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_longer_counts_and_refuses_without_a_try() {
        let halts = Halts::default();
        assert_eq!((halts.cause(), halts.refuse(1)), (None, None));
        halts.begin(Cause::Failing, "a write failed", 1);
        assert_eq!((halts.cause(), halts.refuse(1)), (Some(Cause::Failing), None));
        halts.begin(Cause::Full, "full", 1);
        halts.begin(Cause::Failing, "a write failed", 1);
        assert_eq!(halts.refuse(2), Some(JournalError("full".into())));
        halts.end(Cause::Failing);
        assert_eq!(halts.cause(), Some(Cause::Full));
        assert_eq!(lock(&halts.now).as_ref().unwrap().refused, 5);
        halts.end(Cause::Full);
        assert_eq!((halts.cause(), halts.told()), (None, None));
        halts.begin(Cause::Gone, "gone", 0);
        halts.end(Cause::Full);
        assert!(halts.gone() && halts.told().unwrap().until_restart);
    }
}
