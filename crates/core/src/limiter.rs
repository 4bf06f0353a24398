//! Quotas that hold in any window, on top of governor.

mod debt;
mod per;

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

pub use governor::clock::Clock;
use governor::clock::{DefaultClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{InsufficientCapacity, NotUntil, RateLimiter};

pub use self::debt::DebtBucket;
pub use self::per::Per;

/// At most `limit` in any `window`, of which at most `burst` at once.
///
/// A bucket that holds `limit` and refills `limit` a window lets through twice the limit in its first window. Here
/// burst and refill together stay within the limit: one cell comes back every `window / (limit − burst + 1)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    limit: NonZeroU32,
    window: Duration,
    burst: NonZeroU32,
}

/// An invalid quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// A limit of zero would let nothing pass.
    #[error("the limit must be at least 1")]
    ZeroLimit,
    /// A burst of zero would let nothing pass.
    #[error("the burst must be at least 1")]
    ZeroBurst,
    /// The burst exceeds the limit of the whole window.
    #[error("the burst must not be larger than the limit")]
    BurstAboveLimit,
    /// A window of no length.
    #[error("the window must be longer than nothing")]
    ZeroWindow,
}

impl QuotaError {
    /// The name of the setting that the error is about.
    pub fn setting(self) -> &'static str {
        match self {
            QuotaError::ZeroLimit | QuotaError::ZeroWindow => "limit",
            QuotaError::ZeroBurst | QuotaError::BurstAboveLimit => "burst",
        }
    }
}

/// The default burst of a limit.
fn tenth(limit: NonZeroU32) -> NonZeroU32 {
    const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
    limit.div_ceil(TEN)
}

impl Quota {
    /// Creates a quota. The burst defaults to a tenth of the limit, at least 1.
    ///
    /// # Errors
    /// [`QuotaError`] for values that make no sense.
    pub fn new(limit: u32, window: Duration, burst: Option<u32>) -> Result<Quota, QuotaError> {
        let limit = NonZeroU32::new(limit).ok_or(QuotaError::ZeroLimit)?;
        let burst = match burst {
            Some(burst) => NonZeroU32::new(burst).ok_or(QuotaError::ZeroBurst)?,
            None => tenth(limit),
        };
        if burst > limit {
            return Err(QuotaError::BurstAboveLimit);
        }
        if window.is_zero() {
            return Err(QuotaError::ZeroWindow);
        }
        Ok(Quota { limit, window, burst })
    }

    /// Creates a quota for one minute, with the default burst.
    pub fn per_minute(limit: NonZeroU32) -> Quota {
        let window = Duration::from_secs(60);
        let burst = tenth(limit);
        Quota { limit, window, burst }
    }

    /// Returns the number that passes in any window.
    pub fn limit(&self) -> u32 {
        self.limit.get()
    }

    /// Returns the number that may pass at once.
    pub fn burst(&self) -> u32 {
        self.burst.get()
    }

    /// Returns the time after which one cell comes back.
    pub fn period(&self) -> Duration {
        // Rounded up: a nanosecond short each time would let one more into the window.
        let cells = u128::from(self.limit.get() - self.burst.get() + 1);
        let nanos = u64::try_from(self.window.as_nanos().div_ceil(cells)).unwrap_or(u64::MAX);
        Duration::from_nanos(nanos)
    }

    fn governor(&self) -> governor::Quota {
        governor::Quota::with_period(self.period())
            .unwrap_or_else(|| governor::Quota::per_second(self.limit))
            .allow_burst(self.burst)
    }
}

/// The reason why a take failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The bucket is too empty now; a take can succeed after this time.
    Wait(Duration),
    /// The count exceeds the burst, so a take can never succeed.
    NeverFits,
}

/// A token bucket.
#[derive(Debug)]
pub struct Limiter<C: Clock = DefaultClock> {
    inner: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl Limiter {
    /// Creates a full bucket.
    pub fn new(quota: Quota) -> Limiter {
        Limiter::with_clock(quota, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limiter<C> {
    /// Creates a full bucket on another clock.
    pub fn with_clock(quota: Quota, clock: C) -> Limiter<C> {
        Limiter {
            inner: RateLimiter::direct_with_clock(quota.governor(), clock.clone()),
            clock,
        }
    }

    /// Creates a bucket from which the burst was just taken. It may replace another one of the same quota at any
    /// moment: the other one let through at most `burst + floor(a / period)` in a time `a`, and this one lets through
    /// at most `floor(b / period)` in a time `b`, so any window that spans both stays within the limit.
    pub fn drained(quota: Quota, clock: C) -> Limiter<C> {
        let limiter = Limiter::with_clock(quota, clock);
        // The burst always fits into a full bucket.
        let _ = limiter.take(quota.burst);
        limiter
    }

    /// Takes `count`, all or nothing.
    ///
    /// # Errors
    /// [`Denied`] with the time to wait; nothing was taken.
    pub fn take(&self, count: NonZeroU32) -> Result<(), Denied> {
        judge(self.inner.check_n(count), &self.clock)
    }
}

/// A token bucket for each key. [`KeyedLimiter::evict_idle`] forgets keys whose bucket is full again.
#[derive(Debug)]
pub struct KeyedLimiter<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    inner: RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl<K: Hash + Eq + Clone> KeyedLimiter<K> {
    /// Creates a limiter without buckets.
    pub fn new(quota: Quota) -> KeyedLimiter<K> {
        KeyedLimiter::with_clock(quota, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> KeyedLimiter<K, C> {
    /// Creates a limiter without buckets on another clock, for tests.
    pub fn with_clock(quota: Quota, clock: C) -> KeyedLimiter<K, C> {
        KeyedLimiter {
            inner: RateLimiter::dashmap_with_clock(quota.governor(), clock.clone()),
            clock,
        }
    }

    /// Takes one from the key's bucket.
    ///
    /// # Errors
    /// [`Denied`] with the time to wait.
    pub fn take(&self, key: &K) -> Result<(), Denied> {
        judge(Ok(self.inner.check_key(key)), &self.clock)
    }

    /// Forgets keys whose bucket is full. Returns the number of keys left.
    pub fn evict_idle(&self) -> usize {
        self.inner.retain_recent();
        self.inner.shrink_to_fit();
        self.inner.len()
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Returns true if there are no keys.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }
}

fn judge<P: Reference>(
    answer: Result<Result<(), NotUntil<P>>, InsufficientCapacity>,
    clock: &impl Clock<Instant = P>,
) -> Result<(), Denied> {
    match answer {
        Ok(Ok(())) => Ok(()),
        Ok(Err(not_until)) => Err(Denied::Wait(not_until.wait_time_from(clock.now()))),
        Err(InsufficientCapacity(_)) => Err(Denied::NeverFits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    const ONE: NonZeroU32 = NonZeroU32::MIN;

    proptest! {
        /// A caller that takes as fast as possible never gets more than the limit in any window.
        #[test]
        fn no_window_holds_more_than_the_limit(limit in 1u32..60, burst in 1u32..60, idle in 0u64..200) {
            let window = Duration::from_secs(60);
            prop_assume!(burst <= limit);
            let clock = FakeRelativeClock::default();
            let limiter = Limiter::with_clock(Quota::new(limit, window, Some(burst)).unwrap(), clock.clone());
            let (mut now, mut taken) = (Duration::ZERO, Vec::new());
            let advance = |now: &mut Duration, by: Duration| { clock.advance(by); *now += by; };
            for _ in 0..limit * 4 {
                while let Err(Denied::Wait(wait)) = limiter.take(ONE) {
                    advance(&mut now, wait.max(Duration::from_nanos(1)));
                }
                taken.push(now);
                if taken.len() as u32 == limit {
                    advance(&mut now, Duration::from_secs(idle));
                }
            }
            for (i, start) in taken.iter().enumerate() {
                let inside = taken[i..].iter().take_while(|at| **at < *start + window).count();
                prop_assert!(inside <= limit as usize, "{} in a window", inside);
            }
        }
    }

    proptest! {
        /// A drained bucket may take the place of another at any moment, any number of times.
        #[test]
        fn no_window_holds_more_than_the_limit_over_restarts(
            limit in 1u32..60, burst in 1u32..60, restarts in prop::collection::vec(0u64..90_000, 1..12),
        ) {
            let window = Duration::from_secs(60);
            prop_assume!(burst <= limit);
            let quota = Quota::new(limit, window, Some(burst)).unwrap();
            let clock = FakeRelativeClock::default();
            let (mut limiter, mut now) = (Limiter::with_clock(quota, clock.clone()), Duration::ZERO);
            let mut taken = Vec::new();
            for (nth, after) in restarts.into_iter().enumerate() {
                let end = now + Duration::from_millis(after);
                // Every second one is idle, so that its burst is full again when the next begins.
                let idle = nth % 2 == 1;
                let mut wait = Duration::ZERO;
                while !idle && now + wait <= end {
                    clock.advance(wait);
                    now += wait;
                    wait = match limiter.take(ONE) {
                        Ok(()) => {
                            taken.push(now);
                            Duration::ZERO
                        }
                        Err(Denied::Wait(wait)) => wait.max(Duration::from_nanos(1)),
                        Err(Denied::NeverFits) => unreachable!("one fits into every burst"),
                    };
                }
                clock.advance(end - now);
                now = end;
                while idle && limiter.take(ONE).is_ok() {
                    taken.push(now);
                }
                limiter = Limiter::drained(quota, clock.clone());
            }
            for (i, start) in taken.iter().enumerate() {
                let inside = taken[i..].iter().take_while(|at| **at < *start + window).count();
                prop_assert!(inside <= limit as usize, "{} in a window", inside);
            }
        }
    }

    #[test]
    fn refuses_quotas_that_make_no_sense() {
        let minute = Duration::from_secs(60);
        assert_eq!(Quota::new(0, minute, None), Err(QuotaError::ZeroLimit));
        assert_eq!(Quota::new(5, minute, Some(0)), Err(QuotaError::ZeroBurst));
        assert_eq!(Quota::new(5, minute, Some(6)), Err(QuotaError::BurstAboveLimit));
        assert_eq!(Quota::new(5, Duration::ZERO, None), Err(QuotaError::ZeroWindow));
        let limiter = Limiter::new(Quota::new(5, minute, Some(2)).unwrap());
        assert_eq!(limiter.take(NonZeroU32::new(3).unwrap()), Err(Denied::NeverFits));
    }

    #[test]
    fn keys_have_buckets_of_their_own_and_idle_ones_go() {
        let clock = FakeRelativeClock::default();
        let quota = Quota::new(1, Duration::from_secs(1), None).unwrap();
        let limiter = KeyedLimiter::with_clock(quota, clock.clone());
        assert_eq!(limiter.take(&"a"), Ok(()));
        assert!(matches!(limiter.take(&"a"), Err(Denied::Wait(_))));
        assert_eq!(limiter.take(&"b"), Ok(()));
        assert_eq!(limiter.len(), 2);
        clock.advance(Duration::from_secs(3));
        assert_eq!(limiter.evict_idle(), 0);
    }
}
