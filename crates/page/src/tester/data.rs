//! The data of the tester.

use schemars::JsonSchema;
use serde::Serialize;
use signalbox_core::TestMode;
use signalbox_runtime::tester::Trial;

/// The tester, with the trial of an event if one is given.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Tester {
    /// Names of the sources.
    pub(super) sources: Vec<String>,
    /// The running sinks.
    pub(super) sinks: Vec<TestedSink>,
    /// The latest events of the history, to take one from.
    pub(super) recent: Vec<Recent>,
    /// The event's way to each sink; empty without an event.
    pub(super) trials: Vec<Trial>,
    /// The event's text, for the form; absent for callers who may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<String>,
}

/// A running sink.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TestedSink {
    pub(super) name: String,
    /// The destination's treatment of test events; null if it has none.
    pub(super) test: Option<TestMode>,
}

/// A recent event.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Recent {
    /// Its `messageId`.
    pub(super) message_id: String,
    /// Its own name.
    pub(super) event: String,
    /// The end of its last record, in Unix milliseconds.
    pub(super) ended_at: i64,
    /// The outcome at that sink.
    pub(super) outcome: String,
    /// The sink.
    pub(super) sink: String,
}
