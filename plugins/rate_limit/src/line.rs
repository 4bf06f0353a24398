//! A queue before each bucket.
//!
//! An empty bucket knows when its next token comes. If all waiting events woke at that time, one would pass, and
//! thousands would ask again for the next token. So each event gets a different time, one token's time behind the event
//! before it, and asks about twice in all. An event that comes while others wait queues behind them even if there is a
//! token now: that token belongs to the event whose time has come.
//!
//! Events may wake late: a timer is a millisecond off, a sink was held for an hour. The bucket cannot hold all tokens of
//! that time, so late events queue again, apart from newcomers and ahead of them.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::buckets::BucketId;

/// Number of queues at which the first sweep removes empty ones.
const MANY: usize = 1024;

/// The lines before all buckets.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Time after which one token is back.
    period: Duration,
    lines: HashMap<BucketId, Line>,
    /// Times given to events, by a hash of the event's name.
    waiting: HashSet<u64>,
    /// Number of queues at which the next sweep runs.
    sweep_at: usize,
}

/// The latest times given out for one bucket.
#[derive(Debug, Clone, Copy)]
struct Line {
    newcomers: Instant,
    latecomers: Instant,
}

impl Line {
    fn end(&self) -> Instant {
        self.newcomers.max(self.latecomers)
    }
}

impl Lines {
    pub(crate) fn new(period: Duration) -> Lines {
        Lines {
            period,
            lines: HashMap::new(),
            waiting: HashSet::new(),
            sweep_at: MANY,
        }
    }

    /// Lets an event pass, or returns the time at which it should ask again.
    pub(crate) fn ask(
        &mut self,
        bucket: BucketId,
        who: u64,
        now: Instant,
        take: impl FnOnce() -> Result<(), Duration>,
    ) -> Result<(), Instant> {
        let waited = self.waiting.contains(&who);
        let line = self.lines.get(&bucket).copied();
        if let (Some(line), false) = (line, waited)
            && line.end() > now
        {
            let at = later(line.end(), self.period);
            self.keep(
                bucket,
                Line {
                    newcomers: at,
                    ..line
                },
                who,
                now,
            );
            return Err(at);
        }
        let Err(wait) = take() else {
            self.waiting.remove(&who);
            return Ok(());
        };
        let first = later(now, wait);
        let mut line = line.unwrap_or(Line {
            newcomers: now,
            latecomers: now,
        });
        let lane = if waited {
            &mut line.latecomers
        } else {
            &mut line.newcomers
        };
        *lane = first.max(later(*lane, self.period));
        let at = *lane;
        self.keep(bucket, line, who, now);
        Err(at)
    }

    fn keep(&mut self, bucket: BucketId, line: Line, who: u64, now: Instant) {
        self.lines.insert(bucket, line);
        self.waiting.insert(who);
        if self.lines.len() >= self.sweep_at {
            self.lines.retain(|_, line| line.end() > now);
            self.sweep_at = MANY.max(self.lines.len() * 2);
        }
    }
}

/// Returns the time that far off, or a day off if the clock has no such time.
fn later(at: Instant, by: Duration) -> Instant {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    at.checked_add(by).or_else(|| at.checked_add(DAY)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(10);

    #[test]
    fn empty_lines_are_forgotten_and_who_passed_is_not_remembered() {
        let mut lines = Lines::new(PERIOD);
        let mut now = Instant::now();
        for who in 0..100_000 {
            let Err(at) = lines.ask(who, who, now, || Err(PERIOD)) else {
                panic!()
            };
            // Served before the next one comes.
            now = at;
            assert_eq!(lines.ask(who, who, now, || Ok(())), Ok(()));
        }
        assert!(lines.lines.len() <= MANY, "{}", lines.lines.len());
        assert!(lines.waiting.is_empty());
    }

    #[test]
    fn times_that_do_not_exist_are_a_day_off() {
        let now = Instant::now();
        let mut lines = Lines::new(Duration::MAX);
        for who in 0..3 {
            let Err(at) = lines.ask(0, who, now, || Err(Duration::MAX)) else {
                panic!()
            };
            assert!(at > now + Duration::from_secs(3600));
        }
    }
}
