//! The causes of holds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use signalbox_core::Reason;

use crate::ledger::Count;

/// The cause of a hold, which also determines what ends it. A sink delivers once every cause has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// The setting `hold = true` in the pipeline file; ends with a reload of a file that does not.
    Operator,
    /// Full dead letters of the sink; ends when there is room again.
    DeadLettersFull,
    /// A refusal of the destination that no record has caused; ends when a probe or a delivery succeeds.
    #[default]
    Destination,
}

impl HoldCause {
    /// All causes, in the order in which they are reported.
    pub const ALL: [HoldCause; 3] = [
        HoldCause::Operator,
        HoldCause::DeadLettersFull,
        HoldCause::Destination,
    ];

    /// Returns the word for metrics, logs and `/status`.
    pub fn code(self) -> &'static str {
        match self {
            HoldCause::Operator => "operator",
            HoldCause::DeadLettersFull => "dead_letters_full",
            HoldCause::Destination => "destination",
        }
    }
}

/// The holds of one sink as its ledger shows them.
#[derive(Debug, Default)]
pub struct Held {
    now: Mutex<BTreeMap<HoldCause, Reason>>,
    begun: [Count; HoldCause::ALL.len()],
}

impl Held {
    /// Notes that a hold began.
    pub fn begin(&self, cause: HoldCause, reason: Reason) {
        if self.lock().insert(cause, reason).is_none() {
            self.begun[cause as usize].add(1);
        }
    }

    /// Notes that a hold ended.
    pub fn end(&self, cause: HoldCause) {
        self.lock().remove(&cause);
    }

    /// Replaces the causes with those of a new driver, since its predecessor's ended with it. A hold that continues is
    /// not counted again.
    pub(crate) fn replace(&self, now: BTreeMap<HoldCause, Reason>) {
        let mut shown = self.lock();
        for cause in now.keys().filter(|cause| !shown.contains_key(cause)) {
            self.begun[*cause as usize].add(1);
        }
        *shown = now;
    }

    /// Returns the reason why the sink is held, if it is: the first cause in the order of [`HoldCause::ALL`].
    pub fn first(&self) -> Option<(HoldCause, Reason)> {
        self.lock()
            .first_key_value()
            .map(|(cause, reason)| (*cause, reason.clone()))
    }

    /// True while this cause holds the sink.
    pub fn by(&self, cause: HoldCause) -> bool {
        self.lock().contains_key(&cause)
    }

    /// Counts the holds of this cause that have begun.
    pub fn begun(&self, cause: HoldCause) -> u64 {
        self.begun[cause as usize].get()
    }

    /// Counts the holds that have begun.
    pub fn total(&self) -> u64 {
        self.begun.iter().map(Count::get).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<HoldCause, Reason>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
