//! One event of a sink's window, and its end.

use std::sync::Arc;

use signalbox_core::Event;
use signalbox_journal::{Open, Position, RecordEnd};

/// An event under way. There are thousands of them, so the history that few have is boxed.
#[derive(Debug)]
pub(super) struct InFlight {
    /// The event as the journal has it; `None` while it is released.
    pub(super) event: Option<Arc<Event>>,
    /// Arrival in Unix milliseconds.
    pub(super) received_at: i64,
    pub(super) unsettled: u32,
    /// Memory of the event and its records.
    pub(super) bytes: usize,
    pub(super) history: Option<Box<History>>,
}

/// The history of an event that is not settled yet.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) open: Open,
    /// The one mapping that the operator retries; `None` means all.
    pub(super) only: Option<String>,
}

impl History {
    fn at(position: Position) -> History {
        History {
            open: Open {
                position,
                ..Open::default()
            },
            ..History::default()
        }
    }
}

impl InFlight {
    /// Returns the history, which is made when first needed.
    pub(super) fn history(&mut self, position: Position) -> &mut History {
        self.history
            .get_or_insert_with(|| Box::new(History::at(position)))
    }

    pub(super) fn open(&self, position: Position) -> Open {
        let history = self.history.as_ref().map(|history| history.open.clone());
        history.unwrap_or_else(|| History::at(position).open)
    }

    /// Returns the event's outcome. `whole` is an end of the event as a whole, `record` that of its last record. The
    /// worst end counts, the last one among equals; `Filtered` counts only if there are no records.
    pub(super) fn end(self, whole: Option<RecordEnd>, record: Option<RecordEnd>) -> RecordEnd {
        let end = match self.history {
            // By far the most: one record, which was delivered.
            None => whole.or(record),
            Some(history) => {
                let ended = history.open.ended.into_iter().map(|(_, end)| end);
                whole
                    .into_iter()
                    .chain(ended)
                    .chain(record)
                    .max_by_key(|end| match end {
                        RecordEnd::Filtered(_) => 0,
                        RecordEnd::Delivered | RecordEnd::Duplicate => 1,
                        RecordEnd::Rejected(_) => 2,
                        RecordEnd::Expired(_) => 3,
                    })
            }
        };
        end.unwrap_or(RecordEnd::Delivered)
    }
}
