//! Lists of a record, as the columns of a row keep them: JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_core::Warning;

use crate::record::Attempt;

/// A warning in a row: its code and its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningEntry {
    /// The stable code.
    pub code: String,
    /// The path of the field concerned.
    pub path: String,
}

/// An attempt in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptEntry {
    /// The moment of sending, Unix milliseconds.
    pub at: i64,
    /// Time until the answer in milliseconds.
    pub millis: u32,
    /// HTTP status of the answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `delivered`, or the code of the reason why not.
    pub result: String,
}

fn json<T: Serialize>(list: &[T]) -> Option<String> {
    // Texts and numbers always have a JSON form.
    (!list.is_empty()).then(|| serde_json::to_string(list).unwrap_or_default())
}

pub(crate) fn warnings(warnings: &[Warning]) -> Option<String> {
    let entry = |warning: &Warning| WarningEntry {
        code: warning.code.to_string(),
        path: warning.path.clone(),
    };
    let entries: Vec<WarningEntry> = warnings.iter().map(entry).collect();
    json(&entries)
}

pub(crate) fn match_keys(keys: &[Box<str>]) -> Option<String> {
    json(keys)
}

pub(crate) fn attempts(attempts: &[Attempt]) -> Option<String> {
    let entry = |attempt: &Attempt| AttemptEntry {
        at: attempt.at,
        millis: attempt.millis,
        status: attempt.status,
        result: attempt.result.to_string(),
    };
    let entries: Vec<AttemptEntry> = attempts.iter().map(entry).collect();
    json(&entries)
}

/// Reads a column; a text of another version counts as empty.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(text: Option<&str>) -> Vec<T> {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}
