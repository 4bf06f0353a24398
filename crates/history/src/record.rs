//! Records: what became of an event at a sink.

use std::borrow::Cow;
use std::sync::Arc;

use signalbox_core::{MatchKeys, Money, Parameters};

use crate::ids::{Checksum, Ids, People};

/// The end of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The destination accepted it.
    Delivered,
    /// The destination had it already, so it was not sent.
    Duplicate,
    /// The event was not meant for the sink.
    Filtered,
    /// The destination will never accept it, or it could not be made. It became a dead letter.
    Rejected,
    /// Its time was over before it was delivered. It became a dead letter.
    Expired,
}

impl Outcome {
    /// All outcomes, by their number in the store.
    pub const ALL: [Outcome; 5] = [
        Outcome::Delivered,
        Outcome::Duplicate,
        Outcome::Filtered,
        Outcome::Rejected,
        Outcome::Expired,
    ];

    /// Returns the outcome with this number in the store.
    pub(crate) fn numbered(number: u8) -> Option<Outcome> {
        Outcome::ALL.get(usize::from(number)).copied()
    }

    /// Returns the name in the store and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Delivered => "delivered",
            Outcome::Duplicate => "duplicate",
            Outcome::Filtered => "filtered",
            Outcome::Rejected => "rejected",
            Outcome::Expired => "expired",
        }
    }

    /// Finds an outcome by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Returns true for the ends that call for an operator: rejected and expired.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Outcome::Rejected | Outcome::Expired)
    }
}

/// One attempt to deliver a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt<'r> {
    /// The moment of sending, Unix milliseconds.
    pub at: i64,
    /// Time until the answer in milliseconds.
    pub millis: u32,
    /// HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// `delivered`, or the code of the reason why not.
    pub result: Cow<'r, str>,
}

/// The code of the history's own warning: the record was made with a value that has no room in it, so rows and sums lack it.
/// They hold less than 9,223,372,036,855 units of a currency.
pub const VALUE_TOO_LARGE: &str = "value_too_large";

/// A warning about a value left out or in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warned<'r> {
    /// The stable code.
    pub code: Cow<'r, str>,
    /// The path of the field concerned, without indices and without a client's text.
    pub path: Cow<'r, str>,
}

/// The fate of an event at a sink: one for each record that the sink made of it, or one for the event if it made none.
///
/// Names that events bring are bounded, and those that look personal are left out. Its [ids](Ids) are those of the event, of which
/// the history keeps hashes.
#[derive(Debug, Clone)]
pub struct Record<'r> {
    /// The moment of the end, Unix milliseconds.
    pub ended_at: i64,
    /// Receipt of the event, Unix milliseconds.
    pub received_at: i64,
    /// The event's own time, Unix milliseconds; that of its receipt if it has none.
    pub happened_at: i64,
    /// The source.
    pub source: Cow<'r, str>,
    /// Name and version of the library that sent the event: `analytics.js 2.1.0`.
    pub library: Option<Cow<'r, str>>,
    /// Place of the event in the journal.
    pub position: Option<u64>,
    /// The sink.
    pub sink: Cow<'r, str>,
    /// The mapping; `None` if the event made no record.
    pub mapping: Option<Cow<'r, str>>,
    /// The event's own name: that of a track event, else its type.
    pub event: Cow<'r, str>,
    /// The name of the conversion at the destination.
    pub event_name: Option<Cow<'r, str>>,
    /// Where the conversion happened, in the destination's words: `web`, `offline`.
    pub action_source: Option<Cow<'r, str>>,
    /// The end.
    pub outcome: Outcome,
    /// Code of the reason, unless it was delivered.
    pub reason: Option<Cow<'r, str>>,
    /// The reason as a sentence, without personal values.
    pub message: Option<Cow<'r, str>>,
    /// The attempts, the first one first.
    pub attempts: Vec<Attempt<'r>>,
    /// The id that the destination gave the last request.
    pub request_id: Option<Cow<'r, str>>,
    /// Warnings about values left out or in doubt.
    pub warnings: Vec<Warned<'r>>,
    /// The match keys that it carried.
    pub match_keys: Option<Cow<'r, Arc<MatchKeys>>>,
    /// The other parameters that it carried. Rows keep them of records that have a name at the destination.
    pub parameters: Parameters,
    /// Worth of the conversion.
    pub value: Option<Money<'r>>,
    /// Number of the batch among those of the sink's process, and the records in it.
    pub batch: Option<(u64, u32)>,
    /// Length of the encoded record in bytes.
    pub bytes: u32,
    /// Checksum of the encoded record, of which the history keeps the [digest](crate::IdKeys::digest); `None` if it made none, or if
    /// only sums are kept.
    pub checksum: Option<Checksum>,
    /// True if the event was so old at delivery that the destination values it less.
    pub late: bool,
    /// Ids to search by.
    pub ids: Ids<'r>,
}

impl<'r> Record<'r> {
    /// Makes a record of an event that made none: `times` are those of its receipt and of its end, Unix milliseconds.
    #[must_use]
    pub fn of_event(
        source: &'r str,
        sink: &'r str,
        event: Cow<'r, str>,
        outcome: Outcome,
        (received_at, ended_at): (i64, i64),
    ) -> Record<'r> {
        Record {
            ended_at,
            received_at,
            happened_at: received_at,
            source: source.into(),
            library: None,
            position: None,
            sink: sink.into(),
            mapping: None,
            event,
            event_name: None,
            action_source: None,
            outcome,
            reason: None,
            message: None,
            attempts: Vec::new(),
            request_id: None,
            warnings: Vec::new(),
            match_keys: None,
            parameters: Parameters::default(),
            value: None,
            batch: None,
            bytes: 0,
            checksum: None,
            late: false,
            ids: Ids::default(),
        }
    }

    /// Returns the part that is known when a record is made.
    #[must_use]
    pub fn made(&self) -> Made<'_> {
        Made {
            received_at: self.received_at,
            happened_at: self.happened_at,
            source: &self.source,
            library: self.library.as_deref(),
            position: self.position,
            sink: &self.sink,
            mapping: self.mapping.as_deref(),
            event: &self.event,
            event_name: self.event_name.as_deref(),
            action_source: self.action_source.as_deref(),
            warnings: &self.warnings,
            match_keys: self.match_keys.as_deref(),
            parameters: self.parameters,
            value: self.value.as_ref(),
            bytes: self.bytes,
            checksum: self.checksum,
            message_id: &self.ids.message_id,
            event_id: &self.ids.event_id,
            order_id: &self.ids.order_id,
            people: self.ids.people.borrowed(),
        }
    }

    /// Returns the end.
    #[must_use]
    pub fn end(&self) -> End<'_> {
        End {
            ended_at: self.ended_at,
            outcome: self.outcome,
            late: self.late,
            reason: self.reason.as_deref(),
            message: self.message.as_deref(),
            request_id: self.request_id.as_deref(),
            batch: self.batch,
        }
    }
}

/// The part of a record that is known when a sink has made it, or when an event made none; see the fields of [`Record`].
/// `Debug` shows neither ids nor names.
#[derive(Clone)]
pub struct Made<'r> {
    /// Receipt of the event, Unix milliseconds.
    pub received_at: i64,
    /// The event's own time, Unix milliseconds; that of its receipt if it has none.
    pub happened_at: i64,
    /// The source.
    pub source: &'r str,
    /// Name and version of the library that sent the event.
    pub library: Option<&'r str>,
    /// Place of the event in the journal.
    pub position: Option<u64>,
    /// The sink.
    pub sink: &'r str,
    /// The mapping; `None` if the event made no record.
    pub mapping: Option<&'r str>,
    /// The event's own name: that of a track event, else its type.
    pub event: &'r str,
    /// The name of the conversion at the destination.
    pub event_name: Option<&'r str>,
    /// Where the conversion happened, in the destination's words.
    pub action_source: Option<&'r str>,
    /// Warnings about values left out or in doubt.
    pub warnings: &'r [Warned<'r>],
    /// The match keys that it carries.
    pub match_keys: Option<&'r Arc<MatchKeys>>,
    /// The other parameters that it carries.
    pub parameters: Parameters,
    /// Worth of the conversion.
    pub value: Option<&'r Money<'r>>,
    /// Length of the encoded record in bytes.
    pub bytes: u32,
    /// Checksum of the encoded record.
    pub checksum: Option<Checksum>,
    /// `messageId` of the event; empty if there is none.
    pub message_id: &'r str,
    /// The id by which the destination recognises duplicates; empty if there is none.
    pub event_id: &'r str,
    /// The order; empty if there is none.
    pub order_id: &'r str,
    /// The person's ids.
    pub people: People<'r>,
}

impl std::fmt::Debug for Made<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made")
            .field("sink", &self.sink)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl<'r> Made<'r> {
    /// Makes the part of a record that only its event tells.
    #[must_use]
    pub fn of_event(source: &'r str, sink: &'r str, event: &'r str, received_at: i64) -> Made<'r> {
        Made {
            received_at,
            happened_at: received_at,
            source,
            library: None,
            position: None,
            sink,
            mapping: None,
            event,
            event_name: None,
            action_source: None,
            warnings: &[],
            match_keys: None,
            parameters: Parameters::default(),
            value: None,
            bytes: 0,
            checksum: None,
            message_id: "",
            event_id: "",
            order_id: "",
            people: People::default(),
        }
    }

    /// Returns the part that sums need.
    pub(crate) fn head(&self) -> Head<'r> {
        Head {
            received_at: self.received_at,
            sink: self.sink,
            mapping: self.mapping,
            event: self.event,
            event_name: self.event_name,
            millionths: self.value.map(|value| value.millionths),
            currency: self.value.and_then(|value| value.currency.as_deref()),
            bytes: self.bytes,
            parameters: self.parameters,
            warnings: Cow::Borrowed(self.warnings),
        }
    }
}

/// The part of a record that sums need, but for its end; see the fields of [`Record`].
pub(crate) struct Head<'r> {
    pub(crate) received_at: i64,
    pub(crate) sink: &'r str,
    pub(crate) mapping: Option<&'r str>,
    pub(crate) event: &'r str,
    pub(crate) event_name: Option<&'r str>,
    pub(crate) millionths: Option<i64>,
    pub(crate) currency: Option<&'r str>,
    pub(crate) bytes: u32,
    pub(crate) parameters: Parameters,
    pub(crate) warnings: Cow<'r, [Warned<'r>]>,
}

impl<'r> Head<'r> {
    /// Returns the name under which sums count the record: that at the destination, else the event's own.
    pub(crate) fn counted_name(&self) -> &'r str {
        self.event_name.unwrap_or(self.event)
    }

    /// Returns the time from receipt to end in milliseconds; 0 if the clock was set back.
    pub(crate) fn latency(&self, end: &End<'_>) -> u64 {
        u64::try_from(end.ended_at.saturating_sub(self.received_at)).unwrap_or(0)
    }
}

/// The end of a record; see the fields of [`Record`].
#[derive(Debug, Clone)]
pub struct End<'e> {
    /// The moment of the end, Unix milliseconds.
    pub ended_at: i64,
    /// The kind of the end.
    pub outcome: Outcome,
    /// True if the event was so old at delivery that the destination values it less.
    pub late: bool,
    /// Code of the reason, unless it was delivered.
    pub reason: Option<&'e str>,
    /// The reason as a sentence, without personal values.
    pub message: Option<&'e str>,
    /// The id that the destination gave the last request.
    pub request_id: Option<&'e str>,
    /// Number of the batch among those of the sink's process, and the records in it.
    pub batch: Option<(u64, u32)>,
}
