//! The last failures of pending events. The journal keeps their attempts, but not why these failed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_journal::Position;

/// Events whose failures are remembered; more begin anew.
const MOST: usize = 5_000;

/// The failure of the last attempt to deliver a record of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastFailure {
    /// The moment of sending, Unix milliseconds.
    pub at: i64,
    /// The code of the reason.
    pub reason: String,
    /// HTTP status of the answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// The last failures of a sink's events, by the positions under which its driver has them.
#[derive(Debug, Default)]
pub struct LastFailures {
    failures: Mutex<HashMap<Position, Arc<LastFailure>>>,
    /// Their number: while nothing fails, an event that ends costs a look at it.
    count: AtomicUsize,
}

impl LastFailures {
    fn lock(&self) -> MutexGuard<'_, HashMap<Position, Arc<LastFailure>>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the failure of an event's record.
    pub(crate) fn note(&self, position: Position, failure: &Arc<LastFailure>) {
        let mut failures = self.lock();
        if failures.len() >= MOST && !failures.contains_key(&position) {
            failures.clear();
        }
        failures.insert(position, failure.clone());
        self.count.store(failures.len(), Relaxed);
    }

    /// Forgets an event, which has ended.
    pub(crate) fn forget(&self, position: Position) {
        if self.count.load(Relaxed) == 0 {
            return;
        }
        let mut failures = self.lock();
        failures.remove(&position);
        self.count.store(failures.len(), Relaxed);
    }

    /// Returns the last failure of an event in this process, if it is remembered.
    pub fn of(&self, position: Position) -> Option<Arc<LastFailure>> {
        self.lock().get(&position).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_bounded_and_forgotten_at_the_end() {
        let failures = LastFailures::default();
        let failure = |at| {
            Arc::new(LastFailure {
                at,
                reason: "unavailable".to_owned(),
                status: Some(503),
            })
        };
        failures.note(1, &failure(1));
        failures.note(1, &failure(2));
        assert_eq!(failures.of(1), Some(failure(2)));
        failures.forget(7);
        failures.forget(1);
        assert_eq!((failures.of(1), failures.count.load(Relaxed)), (None, 0));
        for position in 0..=MOST as u64 {
            failures.note(position, &failure(3));
        }
        assert_eq!(failures.of(MOST as u64), Some(failure(3)), "the newest one");
        assert_eq!(failures.count.load(Relaxed), 1);
    }
}
