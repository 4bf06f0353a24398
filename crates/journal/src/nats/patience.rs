//! Patience with servers that elect a leader or recover while a router starts.

use std::time::{Duration, Instant};

/// The time that the servers have in each step of a start. When one after the other goes down and comes back, elections follow
/// each other, and a router that starts meanwhile waits for the last.
pub(crate) const START: Duration = Duration::from_secs(60);
/// The time after which the log tells what the router waits for.
const QUIET: Duration = Duration::from_secs(5);

/// The time left to one step of a start.
pub(crate) struct Patience {
    until: Instant,
    tell: Option<Instant>,
}

impl Patience {
    /// Begins a step that may take this long; [`START`] unless a test says otherwise.
    pub(crate) fn new(time: Duration) -> Patience {
        let now = Instant::now();
        Patience {
            until: now + time,
            tell: Some(now + QUIET),
        }
    }

    /// Returns true if the step may be tried again after this failure. Tells the failure once if it lasts.
    pub(crate) fn lasts(&mut self, failure: &str) -> bool {
        let now = Instant::now();
        if self.tell.take_if(|tell| *tell <= now).is_some() {
            let left = self.until.saturating_duration_since(now).as_secs();
            tracing::warn!("the journal waits for its NATS servers, for another {left} s at most: {failure}");
        }
        now < self.until
    }
}
