//! The parts of events and answers that the history keeps of records.

use std::sync::Arc;

use signalbox_core::Response;
use signalbox_history::Attempt;
use signalbox_journal::Position;

use crate::history::Traced;
use crate::last_failures::LastFailure;

/// The part of an event that the history keeps with each of its records.
#[derive(Debug, Default)]
pub(super) struct Trace<'e> {
    pub(super) traced: Traced<'e>,
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

impl Trace<'_> {
    /// Returns it without ids, for an event that was erased.
    pub(super) fn without_ids(self) -> Trace<'static> {
        Trace {
            traced: self.traced.without_ids(),
            position: self.position,
            happened_at: self.happened_at,
        }
    }
}

impl Answered {
    /// Describes the failure of a record by this answer.
    pub(super) fn failure(&self, code: &str) -> Arc<LastFailure> {
        Arc::new(LastFailure {
            at: self.at,
            reason: code.to_owned(),
            status: self.response.as_ref().map(|response| response.status),
        })
    }
}

impl Try {
    /// Returns the attempt as the history keeps it.
    pub(super) fn attempt(&self) -> Attempt<'_> {
        Attempt {
            at: self.answered.at,
            millis: self.answered.millis,
            status: self.answered.response.as_ref().map(|response| response.status),
            result: self.failure.as_deref().unwrap_or("delivered").into(),
        }
    }
}
