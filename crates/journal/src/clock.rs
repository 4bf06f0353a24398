//! The journal's clock: the system's clock, except that it never goes back, not even over a restart.
//!
//! It gives the times at which ids were seen, frames were written and sinks were opened last. If the system's clock
//! were set back and then right again, ids seen an hour ago would count as days old and be forgotten, and a frame that
//! was written again would look older than its first attempt.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) struct Clock {
    wall: fn() -> SystemTime,
    origin: Instant,
    /// Unix nanoseconds at `origin`, by the most advanced time seen.
    base: AtomicU64,
}

impl Clock {
    pub(crate) fn new(wall: fn() -> SystemTime) -> Clock {
        Clock {
            wall,
            origin: Instant::now(),
            base: 0.into(),
        }
    }

    /// Notes a time (Unix milliseconds) that was seen in an earlier process: the clock never shows an earlier one.
    pub(crate) fn passed(&self, millis: i64) {
        let nanos = u64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000);
        self.base.fetch_max(nanos.saturating_sub(self.elapsed()), Relaxed);
    }

    /// The time in Unix nanoseconds. It advances evenly while the system's clock is behind.
    pub(crate) fn nanos(&self) -> u64 {
        let elapsed = self.elapsed();
        let base = self.wall_nanos().saturating_sub(elapsed);
        self.base
            .fetch_max(base, Relaxed)
            .max(base)
            .saturating_add(elapsed)
    }

    /// The time in Unix milliseconds.
    pub(crate) fn now(&self) -> i64 {
        millis(self.nanos())
    }

    /// The system's time as it is, in Unix milliseconds, for comparison with times that others set.
    pub(crate) fn wall(&self) -> i64 {
        millis(self.wall_nanos())
    }

    fn wall_nanos(&self) -> u64 {
        nanos((self.wall)().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn elapsed(&self) -> u64 {
        nanos(self.origin.elapsed())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_goes_back_and_never_stands_still() {
        // This time is before all that are seen.
        let clock = Clock::new(|| UNIX_EPOCH + Duration::from_secs(1_000));
        let at_start = clock.nanos();
        assert!(at_start >= 1_000_000_000_000);
        clock.passed(5_000_000);
        let later = clock.nanos();
        assert!(later >= 5_000_000_000_000);
        clock.passed(4_000_000);
        std::thread::sleep(Duration::from_millis(2));
        assert!(clock.nanos() >= later + 2_000_000);
        assert_eq!(clock.wall(), 1_000_000);
        // A clock before 1970 counts as one at 1970.
        assert!(Clock::new(|| UNIX_EPOCH - Duration::from_secs(9)).now() < 1_000);
    }
}
