//! Responses that several paths of the admin API give.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use signalbox_core::escape::plain_json;
use signalbox_journal::JournalError;

use crate::audit::Deed;

/// Answers with JSON, escaped so that text from events and destinations cannot control a terminal.
pub fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string_pretty(value) {
        Ok(body) => (
            [(CONTENT_TYPE, "application/json")],
            plain_json(&body).into_owned() + "\n",
        )
            .into_response(),
        Err(_) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the answer cannot be written as JSON",
        ),
    }
}

/// Answers with a line of plain text.
pub(crate) fn text(status: StatusCode, body: &str) -> Response {
    (
        status,
        [(CONTENT_TYPE, "text/plain; charset=utf-8")],
        format!("{body}\n"),
    )
        .into_response()
}

/// Adds the report of an act to its answer, for the audit log.
pub fn done(deed: Deed, mut response: Response) -> Response {
    response.extensions_mut().insert(deed);
    response
}

/// A request that is not carried out: the status, and the reason.
pub(crate) struct Rejection(pub(crate) StatusCode, pub(crate) String);

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        text(self.0, &self.1)
    }
}

/// The engine's own reasons are conflicts (409).
impl From<String> for Rejection {
    fn from(problem: String) -> Rejection {
        Rejection(StatusCode::CONFLICT, problem)
    }
}

impl From<JournalError> for Rejection {
    fn from(error: JournalError) -> Rejection {
        error.to_string().into()
    }
}
