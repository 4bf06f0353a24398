//! Places in the log, and what stands there or is lost.

use std::sync::Arc;

use signalbox_core::Event;

/// A place in the log. Later events have larger ones; there may be gaps between them.
pub type Position = u64;

/// Events of the log that are lost: `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// The first lost position.
    pub from: Position,
    /// The position after the last lost one.
    pub to: Position,
    /// The number of events in the range, of all sources.
    pub events: u64,
    /// The reason for the loss.
    pub loss: Loss,
}

/// The reason why events of the log are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// A file is missing, or has lost its end or all it held.
    Missing,
    /// The file's content is not the written one.
    Damaged,
    /// The events became older than the log keeps them.
    Aged,
}

impl Loss {
    /// The stable code, for counts and dead letters.
    pub fn code(self) -> &'static str {
        match self {
            Loss::Missing => "journal_file_missing",
            Loss::Damaged => "journal_unreadable",
            Loss::Aged => "journal_max_age",
        }
    }

    /// The phrase that tells people what happened to the events.
    pub fn told(self) -> &'static str {
        match self {
            Loss::Missing => "the journal's file with them is missing or cut short",
            Loss::Damaged => "the journal cannot read them",
            Loss::Aged => "they were older than the journal keeps events",
        }
    }
}

/// One event in the log. Sinks reading the same event share its parsed form while they keep pace.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place.
    pub position: Position,
    /// The event.
    pub event: Arc<Event>,
}
