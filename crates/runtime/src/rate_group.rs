//! Rate groups: sinks whose calls count against one limit at their destination, usually that of an account.
//!
//! A group outlives the drivers of its sinks, so that neither a reload nor a replay begins with a full bucket. At the
//! start of a process it begins drained, since the process before may have used up the limit a moment ago.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signalbox_core::limiter::{Clock, Denied, Limiter, Quota};

/// The period that `calls_per_minute` refers to.
const WINDOW: Duration = Duration::from_secs(60);

/// Tokio's clock, so that tests can pause it.
#[derive(Debug, Clone, Copy, Default)]
struct TokioClock;

impl Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> std::time::Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// One limit, and the queue of the sinks that share it.
#[derive(Debug, Default)]
pub struct RateGroup {
    limiter: Mutex<Option<(Quota, Limiter<TokioClock>)>>,
    /// Held by the sink whose turn it is. The lock is fair: sinks get it in the order in which they asked.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl RateGroup {
    /// Creates a group with this limit and a full bucket.
    pub fn full(quota: Option<Quota>) -> RateGroup {
        let limiter = quota.map(|quota| (quota, Limiter::with_clock(quota, TokioClock)));
        RateGroup {
            limiter: limiter.into(),
            turn: Arc::default(),
        }
    }

    /// Changes the limit; a new one begins drained.
    fn set(&self, quota: Option<Quota>) {
        let mut limiter = self.lock();
        if limiter.as_ref().map(|(quota, _)| *quota) != quota {
            *limiter = quota.map(|quota| (quota, Limiter::drained(quota, TokioClock)));
        }
    }

    /// Begins the limit anew with an empty bucket.
    fn drain(&self) {
        if let Some((quota, limiter)) = self.lock().as_mut() {
            *limiter = Limiter::drained(*quota, TokioClock);
        }
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.lock().is_some()
    }

    /// Takes a call; the error is the time to wait for one.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        match self
            .lock()
            .as_ref()
            .map(|(_, limiter)| limiter.take(NonZeroU32::MIN))
        {
            None | Some(Ok(())) => Ok(()),
            Some(Err(Denied::Wait(wait))) => Err(wait),
            // One call fits into every burst.
            Some(Err(Denied::NeverFits)) => Err(WINDOW),
        }
    }

    pub(crate) fn turn(&self) -> &Arc<tokio::sync::Mutex<()>> {
        &self.turn
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Quota, Limiter<TokioClock>)>> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sink of a group, with its settings.
pub(crate) struct Member<'a> {
    pub(crate) group: &'a Arc<str>,
    pub(crate) calls: Option<Quota>,
    pub(crate) timeout: Duration,
}

/// The groups of a process. Groups without sinks are kept, since a sink may come back.
#[derive(Debug, Default)]
pub(crate) struct RateGroups(BTreeMap<Arc<str>, Arc<RateGroup>>);

impl RateGroups {
    /// Gives each group the lowest limit of its sinks. A new group begins with a full bucket if nothing was called for
    /// `idle`, and `idle` is longer than the period in which calls count; else it begins drained.
    pub(crate) fn arrange<'a>(&mut self, members: impl Iterator<Item = Member<'a>>, idle: Duration) {
        let mut wanted: BTreeMap<&Arc<str>, (Option<Quota>, Duration)> = BTreeMap::new();
        for member in members {
            let (quota, timeout) = wanted.entry(member.group).or_default();
            *quota = lower(*quota, member.calls);
            *timeout = member.timeout.max(*timeout);
        }
        for (name, (quota, timeout)) in wanted {
            let group = self.0.entry(name.clone()).or_insert_with(|| {
                // A call is committed when it is answered, at the latest after its timeout.
                let rested = idle > WINDOW.saturating_add(timeout);
                Arc::new(if rested {
                    RateGroup::full(quota)
                } else {
                    RateGroup::default()
                })
            });
            group.set(quota);
        }
    }

    /// Begins the limit of a group anew with an empty bucket: another process may have used it up a moment ago.
    pub(crate) fn drain(&self, name: &str) {
        if let Some(group) = self.0.get(name) {
            group.drain();
        }
    }

    pub(crate) fn get(&self, name: &str) -> Arc<RateGroup> {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

/// Returns the lower of two limits.
pub(crate) fn lower(one: Option<Quota>, other: Option<Quota>) -> Option<Quota> {
    one.into_iter().chain(other).min_by_key(Quota::limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn quota(limit: u32) -> Quota {
        Quota::per_minute(NonZeroU32::new(limit).unwrap())
    }

    fn arrange(groups: &mut RateGroups, limits: &[Option<u32>], idle: Duration) -> Arc<RateGroup> {
        let name: Arc<str> = "account".into();
        let members = limits.iter().map(|limit| Member {
            group: &name,
            calls: limit.map(quota),
            timeout: TIMEOUT,
        });
        groups.arrange(members, idle);
        groups.get("account")
    }

    /// Number of calls that a group lets through at once.
    fn at_once(group: &RateGroup) -> u32 {
        let passes = std::iter::repeat_with(|| group.take()).take(10_000);
        passes.take_while(Result::is_ok).count() as u32
    }

    #[tokio::test(start_paused = true)]
    async fn begins_drained_unless_nothing_was_called_for_longer_than_calls_count() {
        let rested = WINDOW + TIMEOUT;
        for (idle, burst) in [
            (Duration::ZERO, 0),
            (rested, 0),
            (rested + Duration::from_millis(1), 10),
            (Duration::MAX, 10),
        ] {
            let group = arrange(&mut RateGroups::default(), &[Some(100)], idle);
            assert_eq!(at_once(&group), burst, "{idle:?}");
            tokio::time::sleep(WINDOW).await;
            assert_eq!(at_once(&group), 10, "{idle:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_keeps_what_was_used() {
        let mut groups = RateGroups::default();
        let before = arrange(&mut groups, &[Some(100)], Duration::MAX);
        assert_eq!(at_once(&before), 10);
        let after = arrange(&mut groups, &[Some(100)], Duration::ZERO);
        assert!(Arc::ptr_eq(&before, &after));
        assert_eq!(at_once(&after), 0);
        // Another limit begins drained, and unchanged sinks see it.
        arrange(&mut groups, &[Some(60)], Duration::ZERO);
        assert_eq!(at_once(&before), 0);
        tokio::time::sleep(WINDOW).await;
        assert_eq!(at_once(&before), 6);
        // A group without sinks keeps its calls.
        groups.arrange(std::iter::empty(), Duration::ZERO);
        assert_eq!(at_once(&arrange(&mut groups, &[Some(60)], Duration::ZERO)), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_comes_from_another_process_begins_drained() {
        let mut groups = RateGroups::default();
        let group = arrange(&mut groups, &[Some(100)], Duration::MAX);
        groups.drain("account");
        groups.drain("unknown");
        assert_eq!(at_once(&group), 0);
        tokio::time::sleep(WINDOW).await;
        assert_eq!(at_once(&group), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn the_lowest_limit_counts() {
        for limits in [[Some(100), Some(40)], [Some(40), None]] {
            let group = arrange(&mut RateGroups::default(), &limits, Duration::MAX);
            assert_eq!(at_once(&group), 4, "{limits:?}");
        }
        let group = arrange(&mut RateGroups::default(), &[None], Duration::ZERO);
        assert!(!group.is_limited());
        assert_eq!(at_once(&group), 10_000);
    }
}
