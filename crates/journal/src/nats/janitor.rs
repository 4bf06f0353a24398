//! The janitor gives space back. No policy of the servers' fits: a sink may be held for days, its events stay; settled events
//! stay for `retain`, and go earlier when their room is needed. The router that holds the janitor's lease deletes for all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::lease::Leases;
use crate::{JournalError, Position};

/// The interval at which old events are deleted.
const OLD: Duration = Duration::from_secs(60);
/// The interval at which the janitor looks at the fill level, and the pause after a failure.
const LOOK: Duration = Duration::from_secs(1);
/// The bytes that the janitor keeps free in a small log, where a tenth would be less than a few frames.
const FREE: u64 = 1_000_000;

/// The log, as the janitor needs it.
#[async_trait]
pub(crate) trait Space: Send + Sync {
    /// Returns the position of the oldest event that some sink has not settled, or the end of the log; `None` while this router
    /// does not know.
    fn unsettled(&self) -> Option<Position>;

    /// Returns the range of positions that the log holds.
    fn held(&self) -> (Position, Position);

    /// Returns the bytes of the log, and the most that it may take.
    fn usage(&self) -> (u64, u64);

    /// Returns a position before which all events were stored before a moment (Unix milliseconds by the servers' clocks).
    fn stored_since(&self, stored_at: i64) -> Position;

    /// Returns the position below which events go as soon as they are settled, at the operator's word.
    fn discarded_below(&self) -> Position;

    /// Deletes frames whose events are all before a position.
    ///
    /// # Errors
    /// [`JournalError`] if the servers refuse or do not answer.
    async fn purge_below(&self, position: Position) -> Result<(), JournalError>;
}

/// Deletes settled events that are older than `keep`, and younger ones when the log is crowded, while this router holds the
/// janitor's lease. Runs until it is dropped.
pub(crate) async fn tend(leases: Arc<Leases>, space: Arc<dyn Space>, keep: Duration) {
    let mut janitor = leases.janitor();
    let mut last: Option<Instant> = None;
    let mut told = false;
    loop {
        if janitor.wait_for(|is| *is).await.is_err() {
            return;
        }
        let now = match last {
            Some(last) if last.elapsed() < OLD => None,
            // The servers' time, so that a router whose clock is wrong deletes nothing early.
            _ => leases.servers_time().await,
        };
        if now.is_some() {
            last = Some(Instant::now());
        }
        let keep_since = now.map(|now| now.saturating_sub(millis(keep)));
        match goal(&*space, keep_since) {
            Some(goal) => match space.purge_below(goal).await {
                Ok(()) => told = false,
                Err(error) if !std::mem::replace(&mut told, true) => {
                    tracing::warn!("settled events cannot be deleted from the servers: {error}");
                }
                Err(_) => {}
            },
            None => told = false,
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Returns the position below which events may go now; `None` if there are none.
fn goal(space: &dyn Space, keep_since: Option<i64>) -> Option<Position> {
    let (from, to) = space.held();
    let settled = space.unsettled()?.min(to);
    let (bytes, max_bytes) = space.usage();
    let room = max_bytes - free(max_bytes);
    let old = keep_since.map(|since| space.stored_since(since));
    let crowded = (bytes > room && max_bytes > 0).then(|| {
        // Frames are of much the same size. The next look corrects the difference.
        let part = u128::from(to - from.min(to)) * u128::from(bytes - room) / u128::from(bytes);
        from.saturating_add(u64::try_from(part).unwrap_or(u64::MAX))
    });
    let before_age = crowded > old.max(Some(space.discarded_below()));
    let goal = old.max(crowded).unwrap_or(0).max(space.discarded_below());
    let goal = goal.min(settled);
    if before_age && goal > from {
        tracing::debug!(
            bytes,
            max_bytes,
            "settled events are deleted before `retain` is over"
        );
    }
    (goal > from).then_some(goal)
}

/// The bytes that should be free: a tenth. Beyond, settled events are deleted before they are old.
fn free(max_bytes: u64) -> u64 {
    (max_bytes / 10).max(FREE.min(max_bytes / 2))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::mutex::lock;

    /// A log of one event a second from second 0 on, each of 100 kB, at a position a second.
    struct Log {
        unsettled: Option<Position>,
        discarded_below: Position,
        max_bytes: u64,
        held: Mutex<(Position, Position)>,
    }

    #[async_trait]
    impl Space for Log {
        fn unsettled(&self) -> Option<Position> {
            self.unsettled
        }

        fn held(&self) -> (Position, Position) {
            *lock(&self.held)
        }

        fn usage(&self) -> (u64, u64) {
            let (from, to) = self.held();
            ((to - from) * 100_000, self.max_bytes)
        }

        fn stored_since(&self, stored_at: i64) -> Position {
            let (from, to) = self.held();
            u64::try_from(stored_at / 1_000).unwrap_or(0).clamp(from, to)
        }

        fn discarded_below(&self) -> Position {
            self.discarded_below
        }

        async fn purge_below(&self, position: Position) -> Result<(), JournalError> {
            lock(&self.held).0 = position;
            Ok(())
        }
    }

    fn log(unsettled: Option<Position>, max_bytes: u64) -> Log {
        Log {
            unsettled,
            discarded_below: 0,
            max_bytes,
            held: (100, 1_000).into(),
        }
    }

    #[test]
    fn settled_events_go_when_they_are_old_or_the_log_is_crowded() {
        // (oldest unsettled, megabytes allowed, kept since second, goal)
        let cases = [
            // Old and settled.
            (Some(900), 1_000, Some(400), Some(400)),
            // Nothing is old, or this look is not about age.
            (Some(900), 1_000, Some(50), None),
            (Some(900), 1_000, None, None),
            // A sink has not settled the old ones.
            (Some(300), 1_000, Some(400), Some(300)),
            (Some(100), 1_000, Some(400), None),
            (Some(20), 1_000, Some(400), None),
            // Everything is settled: the position may be beyond the end.
            (Some(5_000), 1_000, Some(5_000), Some(1_000)),
            // Unknown.
            (None, 10, Some(400), None),
            // 90 of 80 MB: down to 72, a fifth of the log.
            (Some(900), 80, None, Some(280)),
            (Some(150), 80, None, Some(150)),
            (Some(100), 80, None, None),
            (Some(900), 80, Some(400), Some(400)),
            // Right at the mark, and without a limit.
            (Some(900), 100, None, None),
            (Some(900), 0, None, None),
        ];
        for (unsettled, max_bytes, since, expected) in cases {
            let space = log(unsettled, max_bytes * 1_000_000);
            let since = since.map(|second: i64| second * 1_000);
            assert_eq!(
                goal(&space, since),
                expected,
                "{unsettled:?} {max_bytes} {since:?}"
            );
        }
        let empty = Log {
            held: (100, 100).into(),
            ..log(Some(100), 80_000_000)
        };
        assert_eq!(goal(&empty, Some(i64::MAX)), None);
        for (unsettled, expected) in [(900, 500), (300, 300)] {
            let erased = Log {
                discarded_below: 500,
                ..log(Some(unsettled), 1_000_000_000)
            };
            assert_eq!(goal(&erased, None), Some(expected));
        }
    }

    #[tokio::test]
    async fn looks_make_room_until_there_is_enough() {
        for (max_bytes, enough) in [
            (50_000_000, 45_000_000),
            (5_000_000, 4_000_000),
            (1_000_000, 500_000),
        ] {
            let space = log(Some(1_000), max_bytes);
            while let Some(goal) = goal(&space, None) {
                space.purge_below(goal).await.unwrap();
            }
            let (bytes, _) = space.usage();
            assert!(
                (enough - 100_000..=enough).contains(&bytes),
                "{max_bytes}: {bytes}"
            );
        }
    }
}
