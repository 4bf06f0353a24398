//! The life of an event, as the command, the admin address and the page show it. Times are Unix milliseconds. Texts quote
//! events and destinations, without personal values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_history::{Entry, Place, WarningEntry};

use crate::last_failures::LastFailure;

/// The lives of the events that a search found, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lives {
    /// The events.
    pub events: Vec<Life>,
    /// True if the search found more events than these.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// Sentences about parts of the history and of the journal that were not searched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
}

/// The life of an event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Life {
    /// The event's own name: that of a track event, else its type.
    pub event: String,
    /// `messageId`, or `id:…` if it looks personal; `None` after an erasure.
    pub message_id: Option<String>,
    /// The order's id.
    pub order_id: Option<String>,
    /// The source.
    pub source: String,
    /// Name and version of the library that sent it.
    pub library: Option<String>,
    /// Receipt of the event.
    pub received_at: i64,
    /// The event's own time.
    pub happened_at: i64,
    /// Its place in the journal; `None` if the source did not journal it.
    pub position: Option<u64>,
    /// True while the journal holds it.
    pub in_journal: bool,
    /// True if an erasure covers it.
    pub erased: bool,
    /// A sentence about its way into the journal.
    pub journalled: String,
    /// The place of its newest record in the history; `None` if it has none yet.
    pub place: Option<Place>,
    /// Its ends at the source: filtered, rejected, or copies that the source knew already.
    pub at_source: Vec<RecordLife>,
    /// The sinks that were owed it, by name.
    pub sinks: Vec<SinkLife>,
}

/// The life of an event at a sink.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SinkLife {
    /// The sink.
    pub sink: String,
    /// False if the sink is no longer in the pipeline file.
    pub in_pipeline: bool,
    /// Its outcome here in a sentence or two.
    pub told: String,
    /// The records that have ended, the newest first.
    pub records: Vec<RecordLife>,
    /// Set while the sink has not settled the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// The result of the sink's present mapping, if the request asked for it and the journal holds the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
}

/// A record that has ended, or an event that made none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordLife {
    /// The record.
    #[serde(flatten)]
    pub entry: Entry,
    /// Its outcome in a sentence.
    pub told: String,
    /// The record as it was sent, if it can be made again; `None` if none was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
}

/// The state of an event that a sink has not settled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pending {
    /// The reason why it waits.
    pub why: Why,
    /// The reason of the hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// Attempts of its records so far, at most those of the record with the most.
    pub attempts: u32,
    /// The first attempt; `None` before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_attempt: Option<i64>,
    /// Why the last attempt failed, as far as the running router knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
    /// The mappings whose records have ended; the others are pending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<String>,
    /// The same in a sentence.
    pub told: String,
}

/// The reason why an event waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It waits for its turn, or for its batch.
    #[default]
    Turn,
    /// Attempts have failed, and the sink tries again.
    Retry,
    /// The operator retries its dead letter or sends it again, and it waits for its turn.
    Returned,
    /// The sink is on hold.
    Held,
    /// An erasure covers it: the sink will leave it out.
    Erased,
    /// The sink is disabled.
    Disabled,
    /// The sink, or the source among its inputs, is no longer in the pipeline file.
    Removed,
    /// The router does not run.
    Stopped,
}

/// The record as it was sent, made again from the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// The result of the check against the digest that the history keeps.
    pub check: Check,
    /// The same in a sentence.
    pub told: String,
    /// The fields; none if they cannot be made again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

/// The result of making a record again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The same bytes.
    Same,
    /// Other bytes: the mapping or the settings have changed since.
    Differs,
    /// The present mapping makes no such record.
    NotMade,
    /// The journal holds the event no more, or an erasure covers it.
    #[default]
    NoLongerKept,
    /// No digest was kept, or the sink does not run.
    Unknown,
}

/// A field of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Its path, with dots and indices.
    pub path: String,
    /// Its value as text. A personal one is a hash: that which was sent, or a keyed one as `id:…`.
    pub value: String,
    /// True if the value is a person's, and shown as a hash.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub personal: bool,
}

/// The result of a sink's present filters, transforms and mappings for an event, of which nothing is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Again {
    /// `mapped`, `filtered` or `rejected`.
    pub outcome: String,
    /// The same in a sentence.
    pub told: String,
    /// The records, or the reasons why there are none, by mapping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Made>,
}

/// A record that a mapping makes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Made {
    /// The mapping.
    pub mapping: String,
    /// The name of the conversion at the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
    /// The reason why the record cannot be made, as a sentence with its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
    /// Warnings about values left out or in doubt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningEntry>,
    /// The fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}
