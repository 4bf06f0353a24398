//! Quotas for requests that are admitted whole, however large they are.

use std::time::{Duration, Instant};

use super::Quota;

/// A bucket that a request may overdraw.
///
/// A request is admitted while anything is left, and takes all it needs; the next one is admitted once enough time has
/// passed to repay it. No request is therefore too large to pass, and over time no more than the quota passes: at any
/// moment, everything admitted before the latest request is within burst and refill.
#[derive(Debug, Clone, Copy, Default)]
pub struct DebtBucket {
    /// Time that the bucket needed to fill up at the last take.
    taken: Duration,
    /// Time of the last take.
    at: Option<Instant>,
}

impl DebtBucket {
    /// Returns the time until a request may be admitted; `None` if one may be admitted now.
    #[must_use]
    pub fn wait(&self, quota: &Quota, now: Instant) -> Option<Duration> {
        let all_but_one = quota.period().saturating_mul(quota.burst() - 1);
        let wait = self.until_full(now).saturating_sub(all_but_one);
        (!wait.is_zero()).then_some(wait)
    }

    /// Takes `count`, even if fewer are left: ask [`wait`](DebtBucket::wait) first.
    pub fn take(&mut self, count: u32, quota: &Quota, now: Instant) {
        let more = quota.period().saturating_mul(count);
        self.taken = self.until_full(now).saturating_add(more);
        self.at = Some(now);
    }

    /// Returns true for a full bucket, which can be dropped: a new one would be equal.
    #[must_use]
    pub fn is_full(&self, now: Instant) -> bool {
        self.until_full(now).is_zero()
    }

    fn until_full(&self, now: Instant) -> Duration {
        let since = self
            .at
            .map_or(Duration::MAX, |at| now.saturating_duration_since(at));
        self.taken.saturating_sub(since)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_larger_than_the_burst_is_let_in_once_and_paid_off_in_full() {
        let quota = Quota::new(10, Duration::from_secs(1), Some(1)).unwrap();
        let (mut bucket, start) = (DebtBucket::default(), Instant::now());
        assert_eq!(bucket.wait(&quota, start), None);
        bucket.take(2_500, &quota, start);
        // One comes back every tenth of a second.
        assert_eq!(bucket.wait(&quota, start), Some(Duration::from_secs(250)));
        let paid = start + Duration::from_secs(250);
        assert!(bucket.wait(&quota, paid - Duration::from_nanos(1)).is_some());
        assert_eq!(bucket.wait(&quota, paid), None);
        assert!(bucket.is_full(paid));
    }

    #[test]
    fn times_that_do_not_exist_do_no_harm() {
        let quota = Quota::new(1, Duration::MAX, None).unwrap();
        let (mut bucket, now) = (DebtBucket::default(), Instant::now());
        for _ in 0..3 {
            bucket.take(u32::MAX, &quota, now);
        }
        assert!(bucket.wait(&quota, now).is_some());
    }

    proptest! {
        #[test]
        fn what_came_before_a_request_is_within_the_quota(
            limit in 1u32..60, burst in 1u32..60, steps in proptest::collection::vec((1u32..200, 0u64..5_000), 1..60),
        ) {
            prop_assume!(burst <= limit);
            let quota = Quota::new(limit, Duration::from_secs(1), Some(burst)).unwrap();
            let (mut bucket, start) = (DebtBucket::default(), Instant::now());
            let (mut now, mut admitted) = (start, 0u128);
            for (count, pause) in steps {
                now += Duration::from_millis(pause);
                if let Some(wait) = bucket.wait(&quota, now) {
                    now += wait;
                    prop_assert_eq!(bucket.wait(&quota, now), None, "the returned time is enough");
                }
                let refilled = (now - start).as_nanos() / quota.period().as_nanos();
                prop_assert!(admitted < u128::from(burst) + refilled, "{} before a request", admitted);
                bucket.take(count, &quota, now);
                admitted += u128::from(count);
            }
        }
    }
}
