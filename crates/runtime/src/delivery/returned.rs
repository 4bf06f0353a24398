//! Events that come back from the dead letters. They wait in the journal, and the driver takes a few at a time, so that
//! neither memory nor new events suffer when there are many.

use std::time::Duration;

use signalbox_journal::{Position, Returned};
use tokio::time::Instant;

/// The most events taken at once.
pub(super) const AT_ONCE: usize = 64;
/// Pause before a failed read is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The driver's progress through the returned events.
#[derive(Debug, Default)]
pub(super) struct Returning {
    /// True if the journal may hold more.
    waiting: bool,
    /// Position of the last event taken.
    last: Position,
    /// Earliest time of the next read, after a failed one.
    not_before: Option<Instant>,
}

impl Returning {
    pub(super) fn new(waiting: bool) -> Returning {
        Returning {
            waiting,
            ..Returning::default()
        }
    }

    /// True if the journal may hold events that the driver has not taken.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Position of the last event taken.
    pub(super) fn last(&self) -> Position {
        self.last
    }

    /// Time at which a failed read is tried again; `None` once it has come.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.not_before.filter(|at| *at > Instant::now())
    }

    /// Notes that more events came back.
    pub(super) fn more(&mut self) {
        self.waiting = true;
    }

    /// True if there are returned events and room for them. They get a quarter of a window of `window` events, since
    /// new events must not wait for all of them; `under_way` counts those in it, and `has_room` says that memory is
    /// left.
    pub(super) fn wants(&self, under_way: impl FnOnce() -> usize, window: usize, has_room: bool) -> bool {
        self.waiting && self.not_before.is_none_or(|at| at <= Instant::now()) && {
            let under_way = under_way();
            under_way == 0 || has_room && under_way < (window / 4).max(AT_ONCE)
        }
    }

    /// Goes on after the events of a read.
    pub(super) fn took(&mut self, returned: &Returned) {
        self.not_before = None;
        self.waiting = returned.more;
        self.last = returned.last().unwrap_or(self.last);
    }

    /// Plans another read after one that failed.
    pub(super) fn failed(&mut self) {
        self.not_before = Some(Instant::now() + RETRY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn takes_a_quarter_of_the_window_and_waits_after_a_failure() {
        let mut returning = Returning::new(false);
        assert!(!returning.wants(|| 0, 1_000, true));
        returning.more();
        for (under_way, has_room, expected) in [
            (0, false, true),
            (1, false, false),
            (249, true, true),
            (250, true, false),
        ] {
            assert_eq!(
                returning.wants(|| under_way, 1_000, has_room),
                expected,
                "{under_way}"
            );
        }
        assert!(
            returning.wants(|| AT_ONCE - 1, 8, true),
            "a small window takes some"
        );
        returning.failed();
        assert!(!returning.wants(|| 0, 1_000, true));
        tokio::time::advance(RETRY).await;
        assert!(returning.wants(|| 0, 1_000, true));
        let page = Returned {
            unreadable: vec![7],
            ..Returned::default()
        };
        returning.took(&page);
        assert_eq!(
            (returning.is_waiting(), returning.last(), returning.retry_at()),
            (false, 7, None)
        );
    }
}
