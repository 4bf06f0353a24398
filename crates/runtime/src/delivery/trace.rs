//! The parts of events and answers that the history keeps of records under way.

use std::sync::Arc;

use signalbox_core::{Event, Response};
use signalbox_history::Attempt;
use signalbox_journal::Position;

use crate::history::Traced;

/// The part of an event that its records need later, when the event is let go.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) traced: Traced,
    pub(super) position: Option<Position>,
    pub(super) happened_at: i64,
}

/// The answer to a request, which its records share.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) batch: u64,
    pub(super) records: u32,
    pub(super) at: i64,
    pub(super) millis: u32,
    pub(super) response: Option<Response>,
}

/// An attempt of one record.
#[derive(Debug)]
pub(super) struct Try {
    pub(super) answered: Arc<Answered>,
    /// The code of the reason why it was not delivered.
    pub(super) failure: Option<Box<str>>,
}

impl Trace {
    /// Returns it without ids, for an event that was erased.
    pub(super) fn without_ids(&self) -> Trace {
        Trace {
            traced: self.traced.without_ids(),
            ..*self
        }
    }
}

impl Try {
    /// Returns the attempt as the history keeps it.
    pub(super) fn attempt(&self) -> Attempt {
        Attempt {
            at: self.answered.at,
            millis: self.answered.millis,
            status: self.answered.response.as_ref().map(|response| response.status),
            result: self.failure.as_deref().unwrap_or("delivered").into(),
        }
    }
}

/// Returns the time of the event by its own `timestamp`, else that of its arrival.
pub(super) fn happened_at(event: &Event) -> i64 {
    event
        .root()
        .get("timestamp")
        .and_then(|node| node.as_str())
        .and_then(|text| text.parse::<jiff::Timestamp>().ok())
        .map_or(event.receipt().received_at, |at| at.as_millisecond())
}
