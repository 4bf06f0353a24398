//! Events that come back from the dead letters. They wait in the journal, and are taken a few at a time, so that
//! neither memory nor new events suffer when there are many.

use std::time::Duration;

use signalbox_core::Reason;
use signalbox_journal::{Position, Standing};
use tokio::time::Instant;

use super::driver::Driver;

/// Taken at once.
const AT_ONCE: usize = 64;
/// How long to wait before a refused read is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How far a driver has come with them.
#[derive(Debug, Default)]
pub(super) struct Returning {
    /// There may be more in the journal.
    waiting: bool,
    /// The last one taken.
    last: Position,
    /// Not before then.
    not_before: Option<Instant>,
}

impl Returning {
    pub(super) fn new(waiting: bool) -> Returning {
        Returning {
            waiting,
            ..Returning::default()
        }
    }

    /// Whether the journal may hold some that were not taken.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// The last one taken.
    pub(super) fn last(&self) -> Position {
        self.last
    }

    /// When a refused read is tried again.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.not_before
    }
}

impl Driver {
    /// More came back. An operator who retries may have put things right, so a destination that refused is asked again.
    pub(super) fn more_returned(&mut self) {
        self.returning.waiting = true;
        self.holds.ask_now();
    }

    /// Whether there are some, and room for them: a quarter of the window, since new events shall not wait for all of
    /// them.
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

    /// Takes some.
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
                    // It was asked for: it is delivered, whether or not its source is still an input.
                    let preparation = self.begin(parked.position, &parked.event, Standing::Input);
                    self.prepared(parked.position, preparation);
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
        let letter = self.undertaker.nameless(&self.options.name, &reason);
        self.add_letter(letter);
        self.window.forget_parked(position);
        self.commit_soon();
    }
}
