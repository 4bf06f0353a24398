//! The message of a change: JSON whose `text` chat programs show, and the same in parts for programs.

use jiff::Timestamp;
use serde::Serialize;

use super::changes::{Change, Step};
use super::conditions::Kind;

#[derive(Serialize)]
struct Message<'a> {
    text: String,
    router: &'a str,
    alert: Kind,
    #[serde(skip_serializing_if = "str::is_empty")]
    component: &'a str,
    state: Step,
    severity: &'static str,
    at: String,
}

/// Writes the body of a request.
///
/// # Errors
/// The serialiser's, which has none for these types.
pub(super) fn write(router: &str, change: &Change, at: Timestamp) -> Result<Vec<u8>, serde_json::Error> {
    let (kind, name) = &change.subject;
    let text = match (kind, &**name) {
        (_, "") => format!("{router}: {}.", change.text),
        (Kind::Certificate, name) => format!("{router}: the source {name} {}.", change.text),
        (_, name) => format!("{router}: the sink {name} {}.", change.text),
    };
    let severity = match (change.step, change.critical) {
        (Step::Ended, _) => "ok",
        (_, true) => "critical",
        (_, false) => "warning",
    };
    serde_json::to_vec(&Message {
        text,
        router,
        alert: *kind,
        component: name,
        state: change.step,
        severity,
        at: at.to_string(),
    })
}
