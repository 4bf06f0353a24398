//! The journal's clock: the system's, except that it never goes back, not even over a restart.
//!
//! When an id was seen, when a frame was written and when a sink was opened last is kept by it. By a system's clock that
//! is set back and then right again, ids of an hour ago would be days old and forgotten, and a frame that was written
//! again would look older than its first attempt.

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

    /// A time (Unix milliseconds) that was seen in an earlier process: from here on it is later.
    pub(crate) fn passed(&self, millis: i64) {
        let nanos = u64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000);
        self.base.fetch_max(nanos.saturating_sub(self.elapsed()), Relaxed);
    }

    /// Unix nanoseconds. Goes on evenly while the system's clock lies behind.
    pub(crate) fn nanos(&self) -> u64 {
        let elapsed = self.elapsed();
        let base =
            nanos((self.wall)().duration_since(UNIX_EPOCH).unwrap_or_default()).saturating_sub(elapsed);
        self.base
            .fetch_max(base, Relaxed)
            .max(base)
            .saturating_add(elapsed)
    }

    /// Unix milliseconds.
    pub(crate) fn now(&self) -> i64 {
        millis(self.nanos())
    }

    /// Unix milliseconds by the system's clock as it is, for what is compared with the times of others.
    pub(crate) fn wall(&self) -> i64 {
        millis(nanos(
            (self.wall)().duration_since(UNIX_EPOCH).unwrap_or_default(),
        ))
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
        // Before everything that is seen.
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
        // A clock before 1970 is one at 1970.
        assert!(Clock::new(|| UNIX_EPOCH - Duration::from_secs(9)).now() < 1_000);
    }
}
