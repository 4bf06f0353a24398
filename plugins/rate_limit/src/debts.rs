//! Refusal of whole requests.
//!
//! A request is let in or refused with all its events: refusing it at the hundredth would waste the quota of the
//! ninety-nine before. The events beyond the quota are a debt ([`DebtBucket`]).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use signalbox_core::limiter::{DebtBucket, Quota};

use crate::buckets::{BucketId, bucket_of};

/// The fewest events between two searches for buckets that are full again.
const SWEEP_EVERY: usize = 1024;

/// The buckets of requests.
#[derive(Debug)]
pub(crate) struct Debts {
    quota: Quota,
    max_keys: usize,
    buckets: HashMap<BucketId, DebtBucket>,
    /// Events since the last search for full buckets.
    seen: usize,
}

impl Debts {
    pub(crate) fn new(quota: Quota, max_keys: usize) -> Debts {
        Debts {
            quota,
            max_keys,
            buckets: HashMap::new(),
            seen: 0,
        }
    }

    /// Lets a request in, given the key of each of its events, or returns the time until it may come again, when every
    /// one of its buckets has something left.
    pub(crate) fn admit(
        &mut self,
        keys: impl Iterator<Item = Option<u64>>,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut counts: HashMap<BucketId, u32> = HashMap::new();
        for key in keys {
            let has_room = self.buckets.len() + counts.len() < self.max_keys;
            let count = counts.entry(bucket_of(key, has_room)).or_default();
            *count = count.saturating_add(1);
            self.seen += 1;
        }
        self.forget_full(now);
        let waits = counts
            .keys()
            .filter_map(|id| self.buckets.get(id)?.wait(&self.quota, now));
        if let Some(longest) = waits.max() {
            return Err(longest);
        }
        for (id, count) in counts {
            self.buckets.entry(id).or_default().take(count, &self.quota, now);
        }
        Ok(())
    }

    /// Removes full buckets, once for as many events as there are buckets, so that the search costs no more than the
    /// events.
    fn forget_full(&mut self, now: Instant) {
        if self.seen >= self.buckets.len().max(SWEEP_EVERY) {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            self.seen = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debts(max_keys: usize) -> Debts {
        Debts::new(Quota::new(1, Duration::from_secs(1), None).unwrap(), max_keys)
    }

    #[test]
    fn paid_debts_are_forgotten() {
        let mut debts = debts(1_000_000);
        let mut now = Instant::now();
        for key in 0..20_000 {
            assert_eq!(debts.admit([Some(key), Some(key)].into_iter(), now), Ok(()));
            now += Duration::from_secs(1);
        }
        assert!(debts.buckets.len() <= SWEEP_EVERY, "{}", debts.buckets.len());
    }

    #[test]
    fn keys_are_bounded_and_share_buckets_when_there_are_too_many() {
        let mut debts = debts(100);
        let now = Instant::now();
        let _ = debts.admit((0..50_000).map(|key| Some(key * 7_919)), now);
        let _ = debts.admit((50_000..90_000).map(|key| Some(key * 7_919)), now);
        assert!(debts.buckets.len() <= 100 + 1024, "{}", debts.buckets.len());
    }

    #[test]
    fn one_exhausted_key_refuses_the_request_and_nothing_is_taken_from_the_others() {
        let mut debts = debts(100);
        let now = Instant::now();
        assert_eq!(debts.admit([Some(1)].into_iter(), now), Ok(()));
        let wait = debts.admit([Some(1), Some(2)].into_iter(), now);
        assert_eq!(wait, Err(Duration::from_secs(1)));
        assert_eq!(debts.admit([Some(2)].into_iter(), now), Ok(()));
    }
}
