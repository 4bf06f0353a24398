//! One event of a sink's window, and how it ends.

use std::sync::Arc;

use signalbox_core::Event;
use signalbox_journal::{Open, Position, RecordEnd};

/// How one record (or a whole event that made none) ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Filtered(String),
    /// A whole event was rejected before it made records.
    Refused(String),
    Record(Arc<str>, RecordEnd),
}

/// How an event ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EventEnd {
    Delivered,
    Filtered(String),
    Rejected(String),
    Expired(String),
}

/// An event under way. There are thousands of them, so what few have stands elsewhere.
#[derive(Debug)]
pub(super) struct InFlight {
    /// As the journal has it; `None` while nothing needs it.
    pub(super) event: Option<Arc<Event>>,
    /// When it arrived.
    pub(super) received_at: i64,
    pub(super) unsettled: u32,
    /// Memory that it and its records take.
    pub(super) bytes: usize,
    pub(super) history: Option<Box<History>>,
}

/// What happened to an event before it is settled.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) open: Open,
    pub(super) filtered: Option<String>,
    pub(super) refused: Option<String>,
    /// Only this mapping was asked for.
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

    pub(super) fn add(&mut self, end: End) {
        match end {
            End::Filtered(code) => self.filtered = Some(code),
            End::Refused(code) => self.refused = Some(code),
            End::Record(mapping, end) => self.open.ended.push((mapping.to_string(), end)),
        }
    }

    /// The event's outcome is the first that applies: expired, rejected, delivered; filtered only if it made
    /// no record.
    fn end(self) -> EventEnd {
        let (mut delivered, mut rejected, mut expired) = (false, self.refused, None);
        for (_, end) in self.open.ended {
            match end {
                RecordEnd::Delivered | RecordEnd::Duplicate => delivered = true,
                RecordEnd::Rejected(code) => rejected = Some(code),
                RecordEnd::Expired(code) => expired = Some(code),
            }
        }
        match (expired, rejected, delivered, self.filtered) {
            (Some(code), ..) => EventEnd::Expired(code),
            (_, Some(code), ..) => EventEnd::Rejected(code),
            (_, _, false, Some(code)) => EventEnd::Filtered(code),
            _ => EventEnd::Delivered,
        }
    }
}

impl InFlight {
    /// What few have; made when it is first needed.
    pub(super) fn history(&mut self, position: Position) -> &mut History {
        self.history
            .get_or_insert_with(|| Box::new(History::at(position)))
    }

    pub(super) fn open(&self, position: Position) -> Open {
        let history = self.history.as_ref().map(|history| history.open.clone());
        history.unwrap_or_else(|| History::at(position).open)
    }

    /// How the event ended, this end being its last.
    pub(super) fn end(self, position: Position, last: Option<End>) -> EventEnd {
        match (self.history, last) {
            // By far the most: one record, which was delivered.
            (None, None | Some(End::Record(_, RecordEnd::Delivered))) => EventEnd::Delivered,
            (history, last) => {
                let mut history = history.map_or_else(|| History::at(position), |history| *history);
                last.into_iter().for_each(|end| history.add(end));
                history.end()
            }
        }
    }
}
