//! What could not be delivered.

use serde::{Deserialize, Serialize};

use crate::Position;

/// Names one dead letter for as long as it is kept. Later ones are larger.
pub type DeadLetterId = u64;

/// One record (or event, or input of a source) that ended undelivered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The sink's name, or `source:NAME` for what never reached the journal.
    pub component: String,
    /// The event's `messageId`, if it could be read.
    pub message_id: String,
    /// The source the event came from.
    pub source: String,
    /// The mapping that made the record; empty for a whole event.
    pub mapping: String,
    /// Stable code.
    pub reason: String,
    /// The sentence that goes with it; no personal data.
    pub message: String,
    /// Attempts made.
    pub attempts: u32,
    /// Unix milliseconds of the first attempt (or of the arrival, if there was none).
    pub first_at: i64,
    /// Unix milliseconds of the end.
    pub last_at: i64,
    /// Where the event is in the journal; `None` for what never got there.
    pub position: Option<Position>,
    /// Unix milliseconds of the event's arrival.
    pub received_at: i64,
    /// The event's payload as JSON, as far as the setting `personal_data` allows; `None` if nothing is kept.
    pub payload: Option<String>,
    /// What is known beside the payload ([`signalbox_core::Facts`] as JSON), to retry it from this letter.
    pub facts: Option<String>,
}

/// Which dead letters; what is `None` chooses all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Of this component.
    pub component: Option<String>,
    /// With this reason code.
    pub reason: Option<String>,
    /// That ended before this moment, Unix milliseconds.
    pub before: Option<i64>,
    /// With this id.
    pub id: Option<DeadLetterId>,
}

impl DeadLetterFilter {
    /// Whether a letter is chosen.
    pub fn admits(&self, id: DeadLetterId, letter: &DeadLetter) -> bool {
        self.component
            .as_ref()
            .is_none_or(|name| *name == letter.component)
            && self.reason.as_ref().is_none_or(|code| *code == letter.reason)
            && self.before.is_none_or(|before| letter.last_at < before)
            && self.id.is_none_or(|wanted| wanted == id)
    }
}
