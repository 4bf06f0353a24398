//! When a router gives a group to the one that should drive it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most time between two groups that a router gives away. With a shorter takeover it is that.
const PAUSE: Duration = Duration::from_secs(10);

/// The pause before a group is given away again, which doubles each time, and its upper bound. A group that came back was
/// not taken, or not for long: each attempt costs its sinks some seconds.
const AGAIN: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(600);
/// The time after which an earlier attempt no longer counts.
const FORGET: Duration = Duration::from_secs(1_800);

/// The groups that a router drives in place of another.
pub(super) struct Balance {
    pause: Duration,
    last: Instant,
    given: BTreeMap<Arc<str>, Given>,
}

/// A group that was given away.
struct Given {
    at: Instant,
    again: Duration,
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
            given: BTreeMap::new(),
        }
    }

    /// Returns the groups whose wish changes, with the new one: at most one becomes wanted elsewhere in each pause.
    pub(super) fn changes(&mut self, driven: &[Driven], now: Instant) -> Vec<(Arc<str>, bool)> {
        let kept = driven.iter().filter(|held| held.preferred && held.wanted);
        let mut changes: Vec<_> = kept.map(|held| (Arc::clone(&held.group), false)).collect();
        if now < self.last + self.pause {
            return changes;
        }
        self.given.retain(|_, given| now < given.at + FORGET);
        let may_go = |held: &&Driven| {
            let before = self.given.get(&held.group);
            !held.preferred && !held.wanted && before.is_none_or(|given| now >= given.at + given.again)
        };
        if let Some(held) = driven.iter().find(may_go) {
            self.last = now;
            let before = self.given.get(&held.group);
            let again = before.map_or(AGAIN, |given| (given.again * 2).min(LONGEST));
            self.given
                .insert(Arc::clone(&held.group), Given { at: now, again });
            changes.push((Arc::clone(&held.group), true));
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

    #[test]
    fn a_group_that_comes_back_is_given_away_less_and_less_often() {
        let start = Instant::now();
        let mut balance = Balance::new(Duration::from_secs(3), start);
        let held = [driven("a", false, false)];
        let mut times = Vec::new();
        for second in 0..2_000 {
            if !balance
                .changes(&held, start + Duration::from_secs(second))
                .is_empty()
            {
                times.push(second);
            }
        }
        assert_eq!(times, [3, 63, 183, 423, 903, 1_503]);
        // Another group does not wait for it.
        let held = [driven("a", false, false), driven("b", false, false)];
        let now = start + Duration::from_secs(2_000);
        assert_eq!(balance.changes(&held, now), [("b".into(), true)]);
        // Long after, it is as at first.
        let now = now + FORGET;
        assert_eq!(balance.changes(&held[..1], now), [("a".into(), true)]);
        assert_eq!(balance.changes(&held[..1], now + AGAIN), [("a".into(), true)]);
    }
}
