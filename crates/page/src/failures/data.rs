//! The data of the failures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_journal::DeadLetterFilter;

/// The query of the failures.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// Only of this sink, or `source:NAME`.
    pub(super) sink: Option<String>,
    /// Only with this code of a reason.
    pub(super) reason: Option<String>,
    /// Only of this mapping; an empty one chooses whole events, which failed before any.
    pub(super) mapping: Option<String>,
    /// `1` adds the kept parts of the samples' events.
    pub(super) payload: Option<u8>,
}

impl Query {
    pub(super) fn filter(&self) -> DeadLetterFilter {
        DeadLetterFilter {
            component: self.sink.clone(),
            reason: self.reason.clone(),
            mapping: self.mapping.clone(),
            ..DeadLetterFilter::default()
        }
    }
}

/// Dead letters, the largest group first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Failures {
    /// Dead letters that are kept and match the query.
    pub(super) letters: u64,
    /// The newest of them: an act with this number leaves out dead letters that come later.
    pub(super) up_to: Option<u64>,
    /// The groups, the largest first, at most 50.
    pub(super) groups: Vec<Group>,
    /// Number of further groups, which are left out.
    pub(super) more_groups: u64,
    /// Dead letters that were dropped to make room or for their age, of all sinks and over all time.
    pub(super) dropped: u64,
    /// Seconds for which newer dead letters have been waiting to be written.
    pub(super) behind_seconds: u64,
    /// The reason why the history, from which the trends come, cannot be read; `None` if it can, or if there is none.
    pub(super) unread: Option<String>,
}

/// Dead letters that have sink, reason and mapping in common.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Group {
    /// The sink, or `source:NAME`.
    pub(super) sink: String,
    /// The code of the reason.
    pub(super) reason: String,
    /// The mapping; empty for whole events.
    pub(super) mapping: String,
    /// Dead letters.
    pub(super) letters: u64,
    /// The end of the first one, Unix milliseconds.
    pub(super) oldest: i64,
    /// The end of the last one, Unix milliseconds.
    pub(super) newest: i64,
    /// The likely remedy.
    pub(super) remedy: &'static str,
    /// The sentences of the reason, with the platform's words, the most frequent first: of the newest dead letters.
    pub(super) words: Vec<Words>,
    /// Records that failed so, by the hour, the last 24 hours; empty without a history.
    pub(super) trend: Vec<Hour>,
    /// The newest dead letters, at most five.
    pub(super) samples: Vec<Sample>,
}

/// A sentence of a reason.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Words {
    /// The sentence. It holds no personal data.
    pub(super) message: String,
    /// The newest dead letters that have it.
    pub(super) letters: u64,
}

/// The failures of an hour.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Hour {
    /// Its beginning, Unix milliseconds.
    pub(super) begin: i64,
    /// Records.
    pub(super) records: u64,
    /// Address of the rows behind the number; empty if none are kept.
    pub(super) rows: String,
}

/// A dead letter.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Sample {
    /// Its number.
    pub(super) id: u64,
    /// `messageId` of the event; empty if it could not be read.
    pub(super) message_id: String,
    /// The source of the event.
    pub(super) source: String,
    /// Attempts that were made.
    pub(super) attempts: u32,
    /// The end, Unix milliseconds.
    pub(super) ended_at: i64,
    /// The sentence of its reason.
    pub(super) message: String,
    /// The kept part of the event as JSON, with `payload=1`: personal values are hashed, unless the settings keep them plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<serde_json::Value>,
}
