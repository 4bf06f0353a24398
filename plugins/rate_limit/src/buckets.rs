//! The quota, or one for each key.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use signalbox_core::limiter::{Denied, KeyedLimiter, Limiter, Quota};

/// Calls between two evictions, at least; a full sweep each time would cost more than the limiting itself.
const SWEEP_EVERY: usize = 1024;

/// Number of quotas shared by the keys for which there is no room.
const SHARED: u64 = 1024;

/// Names one bucket.
pub(crate) type BucketId = u64;

/// The bucket of events without a key.
const KEYLESS: BucketId = 0;
/// Buckets of single keys have this bit, all others do not.
const OF_A_KEY: BucketId = 1 << 63;

/// The bucket of a key: its own if there is room.
pub(crate) fn bucket_of(key: Option<u64>, has_room: bool) -> BucketId {
    match key {
        None => KEYLESS,
        Some(key) if has_room => key | OF_A_KEY,
        Some(key) => 1 + key % SHARED,
    }
}

/// One bucket, or one for each key.
pub(crate) enum Buckets<C: Clock + Clone = DefaultClock> {
    One(Limiter<C>),
    PerKey(PerKey<C>),
}

/// Buckets by key, with a bound on how many there are.
pub(crate) struct PerKey<C: Clock + Clone> {
    limiter: KeyedLimiter<BucketId, C>,
    max_keys: usize,
    sweep: Mutex<Sweep>,
}

#[derive(Default)]
struct Sweep {
    calls: usize,
    /// Keys that were still busy at the last sweep.
    left: usize,
}

impl<C: Clock + Clone> Buckets<C> {
    pub(crate) fn one(quota: Quota, clock: C) -> Buckets<C> {
        Buckets::One(Limiter::with_clock(quota, clock))
    }

    pub(crate) fn per_key(quota: Quota, max_keys: usize, clock: C) -> Buckets<C> {
        Buckets::PerKey(PerKey {
            limiter: KeyedLimiter::with_clock(quota, clock),
            max_keys,
            sweep: Mutex::default(),
        })
    }

    /// The bucket of a key. Called once for each time an event is looked at.
    pub(crate) fn of(&self, key: Option<u64>) -> BucketId {
        match self {
            Buckets::One(_) => KEYLESS,
            Buckets::PerKey(_) if key.is_none() => KEYLESS,
            Buckets::PerKey(keyed) => bucket_of(key, keyed.has_room()),
        }
    }

    /// Takes one from a bucket, or tells how long until there is one.
    pub(crate) fn take(&self, bucket: BucketId) -> Result<(), Duration> {
        let taken = match self {
            Buckets::One(limiter) => limiter.take(NonZeroU32::MIN),
            Buckets::PerKey(keyed) => keyed.limiter.take(&bucket),
        };
        match taken {
            Ok(()) => Ok(()),
            Err(Denied::Wait(wait)) => Err(wait),
            // One always fits.
            Err(Denied::NeverFits) => Err(Duration::MAX),
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        match self {
            Buckets::One(_) => 1,
            Buckets::PerKey(keyed) => keyed.limiter.len(),
        }
    }
}

impl<C: Clock + Clone> PerKey<C> {
    /// Returns true if a new key may have a separate bucket; evicts idle keys now and then. The map never holds more than
    /// `SWEEP_EVERY` keys beyond the limit.
    fn has_room(&self) -> bool {
        let mut sweep = self.sweep.lock().unwrap_or_else(PoisonError::into_inner);
        sweep.calls += 1;
        let until_full = self.max_keys.saturating_sub(sweep.left);
        let due = sweep.left.min(until_full).max(SWEEP_EVERY);
        if sweep.calls >= due {
            *sweep = Sweep {
                calls: 0,
                left: self.limiter.evict_idle(),
            };
        }
        sweep.left < self.max_keys
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn keys_are_bounded_and_idle_ones_forgotten() {
        let clock = FakeRelativeClock::default();
        let quota = Quota::new(1, Duration::from_secs(60), None).unwrap();
        let buckets = Buckets::per_key(quota, 2_000, clock.clone());
        for key in 0..50_000 {
            let _ = buckets.take(buckets.of(Some(key * 7_919)));
        }
        assert!(
            buckets.len() <= 2_000 + SWEEP_EVERY + SHARED as usize,
            "{}",
            buckets.len()
        );
        assert_eq!(
            buckets.of(Some(1)) & OF_A_KEY,
            0,
            "keys share buckets when there are too many"
        );
        clock.advance(Duration::from_secs(121));
        for _ in 0..2 * SWEEP_EVERY {
            buckets.of(None);
            buckets.of(Some(1));
        }
        assert_eq!(buckets.len(), 0);
        assert_ne!(buckets.of(Some(1)) & OF_A_KEY, 0);
    }
}
