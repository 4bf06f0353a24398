//! Why sinks are on hold.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use signalbox_core::Reason;

use crate::ledger::Count;

/// Why a sink is on hold, and with that, what ends the hold. A sink delivers once every cause has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// The pipeline file says `hold = true`; ends with a reload of a file that does not.
    Operator,
    /// The sink's dead letters take all the room they may; ends when there is room again.
    DeadLettersFull,
    /// The destination refuses for a reason that lies with no record; ends with a probe or a delivery that succeeds.
    #[default]
    Destination,
}

impl HoldCause {
    /// All causes, in the order in which they are told.
    pub const ALL: [HoldCause; 3] = [
        HoldCause::Operator,
        HoldCause::DeadLettersFull,
        HoldCause::Destination,
    ];

    /// The word for metrics, logs and `/status`.
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

    /// Notes what holds the sink from the first moment of a driver: what an earlier driver noted ended with it. Counts
    /// nothing that holds on.
    pub(crate) fn replace(&self, now: BTreeMap<HoldCause, Reason>) {
        let mut shown = self.lock();
        for cause in now.keys().filter(|cause| !shown.contains_key(cause)) {
            self.begun[*cause as usize].add(1);
        }
        *shown = now;
    }

    /// Why the sink is held, if it is: the first cause in the order of [`HoldCause::ALL`].
    pub fn first(&self) -> Option<(HoldCause, Reason)> {
        self.lock()
            .first_key_value()
            .map(|(cause, reason)| (*cause, reason.clone()))
    }

    /// True while this cause holds the sink.
    pub fn by(&self, cause: HoldCause) -> bool {
        self.lock().contains_key(&cause)
    }

    /// How many holds of this cause began.
    pub fn begun(&self, cause: HoldCause) -> u64 {
        self.begun[cause as usize].get()
    }

    /// How many holds began.
    pub fn total(&self) -> u64 {
        self.begun.iter().map(Count::get).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<HoldCause, Reason>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
