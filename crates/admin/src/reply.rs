//! Responses that several paths of the admin API give.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use signalbox_core::escape::plain_json;

/// Answers with JSON, escaped so that text from events and destinations cannot control a terminal.
pub(crate) fn json(value: &impl Serialize) -> Response {
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

/// Answers 409 with the reason for which the router did not act.
pub(crate) fn failed(error: &str) -> Response {
    text(StatusCode::CONFLICT, error)
}
