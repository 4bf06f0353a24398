//! The sink's behaviour while its dead letters are full: it makes no decision that needs another one. Events that would
//! become dead letters stay unsettled, deliveries are on hold, and the sink goes on from there once the operator has
//! made room.

use std::time::Duration;

use signalbox_core::Reason;
use signalbox_journal::Position;
use tokio::time::Instant;

/// Interval between checks for room.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The most events prepared again at once.
const AT_ONCE: usize = 64;

/// Events whose dead letter found no room.
#[derive(Debug, Default)]
pub(super) struct LettersFull {
    /// Their positions, the oldest first.
    positions: Vec<Position>,
    /// Time of the next check for room.
    look_at: Option<Instant>,
    /// True from the first letter without room until a check finds some.
    full: bool,
}

impl LettersFull {
    /// Time of the next check, or of preparing further events; `None` if there is room and no event waits.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.look_at
    }

    /// True if the time has come to check.
    pub(super) fn is_due(&self) -> bool {
        self.look_at.is_some_and(|at| at <= Instant::now())
    }

    /// True if deliveries have to be on hold.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Notes that there is no room.
    pub(super) fn found_full(&mut self) {
        self.full = true;
        self.look_at.get_or_insert_with(|| Instant::now() + LOOK_EVERY);
    }

    /// Notes that there still was no room at a check.
    pub(super) fn still_full(&mut self) {
        self.look_at = Some(Instant::now() + LOOK_EVERY);
    }

    /// Keeps an event until there is room.
    pub(super) fn wait(&mut self, position: Position) {
        self.positions.push(position);
    }

    /// Takes the oldest events when there is room, and plans the next turn for the others.
    pub(super) fn take(&mut self) -> Vec<Position> {
        self.full = false;
        let count = self.positions.len().min(AT_ONCE);
        let taken = self.positions.drain(..count).collect();
        self.look_at = (!self.positions.is_empty()).then(Instant::now);
        taken
    }

    /// The reason of the hold.
    pub(super) fn reason(sink: &str) -> Reason {
        Reason::new(
            "dead_letters_full",
            format!(
                "its dead letters take all the room they may; look at them (signalbox deadletters summary --sink \
                 {sink}), then retry or discard some, or raise [dead_letters] max_bytes"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn looks_for_room_now_and_then_and_goes_on_a_few_events_at_a_time() {
        let mut full = LettersFull::default();
        assert!(!full.is_due() && !full.is_full());
        full.found_full();
        tokio::time::advance(LOOK_EVERY / 2).await;
        full.found_full();
        assert!(!full.is_due() && full.is_full());
        tokio::time::advance(LOOK_EVERY / 2).await;
        assert!(full.is_due());
        (0..=AT_ONCE as Position).for_each(|position| full.wait(position));
        full.still_full();
        assert!(!full.is_due() && full.is_full());
        assert_eq!(full.take().len(), AT_ONCE);
        assert!(full.is_due() && !full.is_full(), "one still waits");
        assert_eq!(full.take(), [AT_ONCE as Position]);
        assert_eq!(full.look_at(), None);
    }
}
