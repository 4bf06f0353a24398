//! What a destination has already, by the key it knows duplicates by.
//!
//! Pinterest drops the second event with one name and id for certain only between its tag and this API, so the
//! second record of two mappings, of a replay or of a shop that counts an order twice is not sent at all. Known for
//! 24 hours (Pinterest's own window), in memory: after a restart the destination's own deduplication has to do.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// How long a key is known.
const WINDOW: Duration = Duration::from_secs(24 * 3600);
/// How many keys are known; the oldest go first.
const MOST: usize = 500_000;

/// Keys of delivered records and of those under way. Two independently keyed 64-bit hashes stand for a key, so two
/// different keys are taken for one in 2^128 cases.
#[derive(Debug, Default)]
pub(super) struct Known {
    hashers: (RandomState, RandomState),
    keys: HashSet<(u64, u64)>,
    /// Those of `keys` whose record is not delivered yet.
    under_way: HashSet<(u64, u64)>,
    in_order: VecDeque<((u64, u64), Instant)>,
}

impl Known {
    fn hash(&self, key: &str) -> (u64, u64) {
        (self.hashers.0.hash_one(key), self.hashers.1.hash_one(key))
    }

    /// False if a record with this key is delivered or under way.
    pub(super) fn claim(&mut self, key: &str) -> bool {
        let now = Instant::now();
        while let Some((oldest, at)) = self.in_order.front() {
            if self.in_order.len() <= MOST && *at + WINDOW > now {
                break;
            }
            self.keys.remove(oldest);
            self.under_way.remove(oldest);
            self.in_order.pop_front();
        }
        let hash = self.hash(key);
        if !self.keys.insert(hash) {
            return false;
        }
        self.under_way.insert(hash);
        self.in_order.push_back((hash, now));
        true
    }

    /// The record with this key was delivered.
    pub(super) fn delivered(&mut self, key: &str) {
        let hash = self.hash(key);
        self.under_way.remove(&hash);
    }

    /// The record with this key was not delivered after all: another one may be.
    pub(super) fn release(&mut self, key: &str) {
        let hash = self.hash(key);
        self.keys.remove(&hash);
        self.under_way.remove(&hash);
    }

    /// Whatever is under way is left: another driver will send it.
    pub(super) fn leave(&mut self) {
        for hash in self.under_way.drain() {
            self.keys.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_known_for_a_day_unless_it_is_released() {
        let mut known = Known::default();
        assert!(known.claim("checkout 1") && known.claim("checkout 2"));
        assert!(!known.claim("checkout 1"));
        known.release("checkout 1");
        assert!(known.claim("checkout 1"));
        known.delivered("checkout 1");
        tokio::time::advance(WINDOW).await;
        assert!(known.claim("checkout 2"));
    }

    #[test]
    fn what_is_left_is_not_known_any_more() {
        let mut known = Known::default();
        assert!(known.claim("checkout 1") && known.claim("checkout 2"));
        known.delivered("checkout 1");
        known.leave();
        assert!(!known.claim("checkout 1") && known.claim("checkout 2"));
    }
}
