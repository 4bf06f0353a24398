//! Failures: dead letters by sink, reason and mapping, with the platform's words, the trend, samples and the likely remedy; and
//! the acts on them.

mod acts;
mod html;
mod read;
mod remedies;

use maud::Markup;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_admin::Caller;
use signalbox_journal::DeadLetterFilter;

pub(crate) use self::acts::{DiscardLetters, RetryLetters};
use crate::problem::Problem;
use crate::state::Page;
use crate::view::View;

/// The query of the failures.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// Only of this sink, or `source:NAME`.
    sink: Option<String>,
    /// Only with this code of a reason.
    reason: Option<String>,
    /// Only of this mapping.
    mapping: Option<String>,
    /// `1` adds the kept parts of the samples' events.
    payload: Option<u8>,
}

impl Query {
    fn filter(&self) -> DeadLetterFilter {
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
    letters: u64,
    /// The newest of them: an act with this number leaves out dead letters that come later.
    up_to: Option<u64>,
    /// The groups, the largest first.
    groups: Vec<Group>,
    /// Dead letters that were dropped to make room or for their age, of all sinks and over all time.
    dropped: u64,
    /// Seconds for which newer dead letters have been waiting to be written.
    behind_seconds: u64,
}

/// Dead letters that have sink, reason and mapping in common.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Group {
    /// The sink, or `source:NAME`.
    sink: String,
    /// The code of the reason.
    reason: String,
    /// The mapping; empty for whole events.
    mapping: String,
    /// Dead letters.
    letters: u64,
    /// The end of the first one, Unix milliseconds.
    oldest: i64,
    /// The end of the last one, Unix milliseconds.
    newest: i64,
    /// The likely remedy.
    remedy: &'static str,
    /// The sentences of the reason, with the platform's words, the most frequent first: of the newest dead letters.
    words: Vec<Words>,
    /// Records that failed so, by the hour, the last 24 hours; empty without a history.
    trend: Vec<Hour>,
    /// The newest dead letters, at most five.
    samples: Vec<Sample>,
}

/// A sentence of a reason.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Words {
    /// The sentence. It holds no personal data.
    message: String,
    /// The newest dead letters that have it.
    letters: u64,
}

/// The failures of an hour.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Hour {
    /// Its beginning, Unix milliseconds.
    begin: i64,
    /// Records.
    records: u64,
}

/// A dead letter.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Sample {
    /// Its number.
    id: u64,
    /// `messageId` of the event; empty if it could not be read.
    message_id: String,
    /// The source of the event.
    source: String,
    /// Attempts that were made.
    attempts: u32,
    /// The end, Unix milliseconds.
    ended_at: i64,
    /// The sentence of its reason.
    message: String,
    /// The kept part of the event as JSON, with `payload=1`: personal values are hashed, unless the settings keep them plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<serde_json::Value>,
}

impl View for Failures {
    const NAME: &'static str = "failures";
    const TITLE: &'static str = "Failures";
    const ABOUT: &'static str = "Dead letters by sink, reason and mapping, with the platform's words, the trend, samples and the likely remedy.";
    type Query = Query;

    async fn read(page: &Page, _: &Caller, query: Query) -> Result<Failures, Problem> {
        read::failures(page, &query).await
    }

    fn html(&self, query: &Query, caller: &Caller) -> Markup {
        html::failures(self, query, caller)
    }
}
