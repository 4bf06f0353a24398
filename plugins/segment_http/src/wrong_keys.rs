//! Addresses that send wrong write keys.
//!
//! Only requests with a wrong key are slowed down, not those with a right key from the same address. Every web page
//! shows its key, so guessing gains nothing.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use signalbox_core::limiter::{DebtBucket, Quota};
use signalbox_http::server::neighbourhood;

/// Requests with a wrong key that an address may send in a minute, and at once, before it gets 429.
const MOST: u32 = 60;
const AT_ONCE: u32 = 30;

/// Number of buckets. Addresses with the same hash share one; only this process knows which.
const BUCKETS: usize = 4096;

/// Counts wrong keys by address, in a table of a fixed size.
pub(crate) struct WrongKeys {
    quota: Option<Quota>,
    names: RandomState,
    buckets: Mutex<Vec<DebtBucket>>,
}

impl Default for WrongKeys {
    fn default() -> WrongKeys {
        WrongKeys {
            quota: Quota::new(MOST, Duration::from_secs(60), Some(AT_ONCE)).ok(),
            names: RandomState::new(),
            buckets: Mutex::default(),
        }
    }
}

impl fmt::Debug for WrongKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrongKeys")
    }
}

impl WrongKeys {
    /// Counts a request with a wrong key; returns the time that its address must wait if it has sent too many.
    pub(crate) fn count(&self, address: IpAddr) -> Option<Duration> {
        self.count_at(address, Instant::now())
    }

    fn count_at(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let quota = self.quota.as_ref()?;
        let hash = self.names.hash_one(neighbourhood(address));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        // Most sources never see a wrong key.
        buckets.resize(BUCKETS, DebtBucket::default());
        let bucket = buckets.get_mut(usize::try_from(hash % BUCKETS as u64).unwrap_or(0))?;
        let wait = bucket.wait(quota, now);
        if wait.is_none() {
            bucket.take(1, quota, now);
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_a_minute_and_others_are_not_concerned() {
        let (keys, start) = (WrongKeys::default(), Instant::now());
        let count = |address: &str, after: Duration| keys.count_at(address.parse().unwrap(), start + after);
        let passed = (0..60_000)
            .filter(|millis| count("192.0.2.1", Duration::from_millis(*millis)).is_none())
            .count();
        assert!((59..=60).contains(&passed), "{passed}");
        let minute = Duration::from_secs(60);
        assert!(count("192.0.2.1", minute).is_some_and(|wait| wait <= Duration::from_secs(2)));
        // One of these addresses may happen to share the bucket.
        let fresh = (0..20)
            .filter(|n| count(&format!("198.51.100.{n}"), minute).is_none())
            .count();
        assert!(fresh >= 18, "{fresh}");
        assert_eq!(keys.buckets.lock().unwrap().len(), BUCKETS);
    }
}
