//! Events that come back from the dead letters. They wait in the journal, and the driver takes a few at a time, so that
//! neither memory nor new events suffer when there are many.

use std::time::Duration;

use signalbox_core::Reason;
use signalbox_journal::{Position, Standing};
use tokio::time::Instant;

use super::driver::Driver;

/// The most events taken at once.
const AT_ONCE: usize = 64;
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

    /// Time at which a failed read is tried again.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.not_before
    }
}

impl Driver {
    /// Notes that more events came back. An operator who retries may have put things right, so the driver asks a
    /// destination that refused again.
    pub(super) fn more_returned(&mut self) {
        self.returning.waiting = true;
        self.holds.ask_now();
    }

    /// True if there are returned events and room for them. They get a quarter of the window, since new events must not
    /// wait for all of them.
    pub(super) fn wants_returned(&self) -> bool {
        let Returning {
            waiting, not_before, ..
        } = self.returning;
        waiting && not_before.is_none_or(|at| at <= Instant::now()) && {
            let under_way = self.window.returned();
            let room = self.window.bytes() < self.options.window_bytes;
            under_way == 0 || room && under_way < (self.options.window / 4).max(AT_ONCE)
        }
    }

    /// Takes and prepares some of them.
    pub(super) async fn take_returned(&mut self) {
        self.returning.not_before = None;
        match self.reader.returned(self.returning.last, AT_ONCE).await {
            Ok(returned) => {
                self.returning.waiting = returned.more;
                self.returning.last = returned.last().unwrap_or(self.returning.last);
                for position in returned.unreadable {
                    self.lost_returned(position);
                }
                for parked in returned.events {
                    let parked = self.under_new_names(parked);
                    self.window.open_parked(&parked);
                    // The operator asked for this event, so it is delivered even if its source is no longer an input.
                    let staged = self.begin(parked.position, &parked.event, Standing::Input);
                    self.prepared(parked.position, staged);
                }
            }
            Err(error) => {
                self.returning.not_before = Some(Instant::now() + RETRY);
                tracing::error!(
                    sink = %self.options.name,
                    "events that came back from the dead letters cannot be read, trying again: {error}"
                );
            }
        }
    }

    fn lost_returned(&mut self, position: Position) {
        let reason = Reason::new(
            "journal_unreadable",
            "an event that came back from the dead letters is unreadable",
        );
        self.ledger.rejected.add(reason.code(), 1);
        let letter = self.dead_letters.nameless(&self.options.name, &reason);
        self.add_letter(letter);
        self.window.forget_parked(position);
        self.commit_soon();
    }
}
