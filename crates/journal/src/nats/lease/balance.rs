//! When a router gives a group to the one that should drive it.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most time between two groups that a router gives away. With a shorter takeover it is that.
const PAUSE: Duration = Duration::from_secs(10);

/// The groups that a router drives in place of another.
pub(super) struct Balance {
    pause: Duration,
    last: Instant,
}

/// A group that this router drives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Driven {
    pub(super) group: Arc<str>,
    /// True if this router should drive it.
    pub(super) preferred: bool,
    /// True if the group is wanted elsewhere already.
    pub(super) wanted: bool,
}

impl Balance {
    /// Starts with a pause: routers that start together hear each other first.
    pub(super) fn new(takeover: Duration, now: Instant) -> Balance {
        Balance {
            pause: takeover.min(PAUSE),
            last: now,
        }
    }

    /// Returns the groups whose wish changes, with the new one: at most one becomes wanted elsewhere in each pause.
    pub(super) fn changes(&mut self, driven: &[Driven], now: Instant) -> Vec<(Arc<str>, bool)> {
        let kept = driven.iter().filter(|held| held.preferred && held.wanted);
        let mut changes: Vec<_> = kept.map(|held| (Arc::clone(&held.group), false)).collect();
        let given = driven.iter().find(|held| !held.preferred && !held.wanted);
        if let Some(given) = given
            && now >= self.last + self.pause
        {
            self.last = now;
            changes.push((Arc::clone(&given.group), true));
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driven(group: &str, preferred: bool, wanted: bool) -> Driven {
        Driven {
            group: group.into(),
            preferred,
            wanted,
        }
    }

    #[test]
    fn one_group_in_each_pause_goes_to_the_router_that_should_drive_it() {
        let start = Instant::now();
        let mut balance = Balance::new(Duration::from_secs(60), start);
        let held = [
            driven("a", true, false),
            driven("b", false, false),
            driven("c", false, false),
        ];
        assert_eq!(balance.changes(&held, start + PAUSE / 2), []);
        assert_eq!(balance.changes(&held, start + PAUSE), [("b".into(), true)]);
        let held = [driven("b", false, true), driven("c", false, false)];
        assert_eq!(balance.changes(&held, start + PAUSE), []);
        assert_eq!(balance.changes(&held, start + PAUSE * 2), [("c".into(), true)]);
        // The other router is gone again.
        let held = [driven("b", true, true), driven("c", false, true)];
        assert_eq!(balance.changes(&held, start + PAUSE * 2), [("b".into(), false)]);
    }
}
