//! The lines of the audit log.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signalbox_config::Role;

/// A line of the audit log. It holds names of the pipeline file, stable words and counts, never a value of an event, an id or a
/// token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Number of the line: each is one more than the one before, over all files.
    pub n: u64,
    /// When it was written, as RFC 3339 in UTC.
    pub at: String,
    /// Name of the caller's token, or `local`; absent for a sign-in that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The caller's role; absent for a sign-in that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Address that the request came from: the peer's or, behind a trusted proxy, that of the proxy's client.
    pub from: String,
    /// Stable word for the act, such as `retry` or `sign_in`; the pattern of its path if it has no word.
    pub action: String,
    /// The sink, or `source:NAME`, that it was limited to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// Counts and words about the act.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Value>,
    /// HTTP status of the answer.
    pub status: u16,
    /// The result; absent in lines of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AuditResult>,
    /// Why it was not done, as a stable word: the name of the status, such as `forbidden` or `bad_request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The result of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditResult {
    /// The router did it.
    Done,
    /// The router refused it, or did not complete it for a reason that its answer told (409).
    Refused,
    /// The router failed at it, and may have done a part. Its log has the place.
    Failed,
}

impl AuditResult {
    /// Returns the result that an HTTP status tells of.
    #[must_use]
    pub fn of(status: u16) -> AuditResult {
        match status {
            ..400 => AuditResult::Done,
            400..500 => AuditResult::Refused,
            500.. => AuditResult::Failed,
        }
    }

    /// Returns the word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            AuditResult::Done => "done",
            AuditResult::Refused => "refused",
            AuditResult::Failed => "failed",
        }
    }
}

/// Returns the reason of a status from 400 on: its name, `method_not_allowed`.
pub(super) fn reason(status: u16) -> Option<String> {
    let code = StatusCode::from_u16(status).ok().filter(|_| status >= 400)?;
    let name = code.canonical_reason().unwrap_or("unknown status");
    Some(name.to_lowercase().replace([' ', '-'], "_").replace('\'', ""))
}

/// A handler's report for the audit log: an extension of its response. Without it, the line holds the action alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deed {
    pub(super) sink: Option<String>,
    pub(super) counts: BTreeMap<&'static str, u64>,
    pub(super) words: BTreeMap<&'static str, &'static str>,
}

impl Deed {
    /// Names the component that the act was limited to. The name must come from the pipeline or its journal, never from the request:
    /// [`AdminState::deed`](crate::AdminState::deed) looks it up.
    #[must_use]
    pub fn at(component: &str) -> Deed {
        Deed {
            sink: Some(component.to_owned()),
            ..Deed::default()
        }
    }

    /// Adds a count.
    #[must_use]
    pub fn count(mut self, what: &'static str, count: u64) -> Deed {
        self.counts.insert(what, count);
        self
    }

    /// Adds a word.
    #[must_use]
    pub fn word(mut self, what: &'static str, word: &'static str) -> Deed {
        self.words.insert(what, word);
        self
    }

    pub(super) fn facts(self) -> BTreeMap<String, Value> {
        let counts = self
            .counts
            .into_iter()
            .map(|(what, count)| (what.to_owned(), count.into()));
        let words = self
            .words
            .into_iter()
            .map(|(what, word)| (what.to_owned(), word.into()));
        counts.chain(words).collect()
    }
}
