//! The sink's behaviour while its dead letters are full: it makes no decision that needs another one. Events that would
//! become dead letters stay unsettled, deliveries are on hold, and the sink goes on from there once the operator has
//! made room.

use std::time::Duration;

use signalbox_core::Reason;
use signalbox_journal::{DeadLetter, Position, RecordEnd, Standing};
use tokio::time::Instant;

use super::driver::Driver;
use super::item::Item;
use super::prepare::Staged;
use crate::hold::HoldCause;

/// Interval between checks for room.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The most events prepared again at once.
const AT_ONCE: usize = 64;

/// Events whose dead letter found no room.
#[derive(Debug, Default)]
pub(super) struct Unburied {
    /// Their positions, the oldest first.
    positions: Vec<Position>,
    /// Time of the next check for room.
    look_at: Option<Instant>,
}

impl Unburied {
    /// Time of the next check; the present if there is room and events wait.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.look_at
    }
}

impl Driver {
    /// True if there is no room for another dead letter; deliveries are on hold from then on.
    pub(super) fn holds_for_letters(&mut self) -> bool {
        if !self.reader.dead_letters_full(self.buried_bytes) {
            return false;
        }
        self.unburied
            .look_at
            .get_or_insert_with(|| Instant::now() + LOOK_EVERY);
        let told = format!(
            "its dead letters take all the room they may; look at them (signalbox deadletters summary --sink {}), then \
             retry or discard some, or raise [dead_letters] max_bytes",
            self.options.name
        );
        self.enter_hold(HoldCause::DeadLettersFull, Reason::new("dead_letters_full", told));
        true
    }

    /// Adds a dead letter to the next commit.
    pub(super) fn add_letter(&mut self, letter: DeadLetter) {
        self.buried_bytes += letter.size();
        self.buried.push(letter);
    }

    /// Puts back a record that would become a dead letter, to wait with the others.
    pub(super) fn keep(&mut self, item: Item) {
        self.ready.push_front(item);
    }

    /// True if a prepared event needs a dead letter for which there is no room. The event then waits as if it had not
    /// been prepared.
    pub(super) fn waits_for_room(&mut self, position: Position, staged: &Staged) -> bool {
        let needs_letter = match staged {
            Staged::Rejected(_) => true,
            Staged::Mapped { results, .. } => results.iter().any(|result| match result {
                Ok(record) => !self.ready.fits(record.bytes.len()),
                Err(_) => true,
            }),
            Staged::Wait { .. } | Staged::Filtered(_) => false,
        };
        if !needs_letter || !self.holds_for_letters() {
            return false;
        }
        self.unburied.positions.push(position);
        self.window.let_go(position);
        true
    }

    /// Ends the hold when there is room again, then prepares the waiting events, a few at a time.
    pub(super) async fn look_for_room(&mut self) {
        if self.unburied.look_at.is_none_or(|at| Instant::now() < at) {
            return;
        }
        if self.reader.dead_letters_full(self.buried_bytes) {
            self.unburied.look_at = Some(Instant::now() + LOOK_EVERY);
            return;
        }
        self.unburied.look_at = None;
        self.end_hold(HoldCause::DeadLettersFull);
        let count = self.unburied.positions.len().min(AT_ONCE);
        let mut positions: Vec<Position> = self.unburied.positions.drain(..count).collect();
        positions.retain(|position| self.window.is_open(*position));
        self.recall(positions.iter().copied()).await;
        for position in positions {
            match self.window.event(position) {
                Some(event) => {
                    let staged = self.begin(position, &event, Standing::Input);
                    self.prepared(position, staged);
                }
                None => {
                    let reason = Reason::new("journal_unreadable", "the event could not be read again");
                    self.bury(position, "", &reason);
                    self.close_event(position, RecordEnd::Rejected(reason.code().to_owned()));
                }
            }
        }
        if !self.unburied.positions.is_empty() {
            self.unburied.look_at.get_or_insert_with(Instant::now);
        }
    }
}
