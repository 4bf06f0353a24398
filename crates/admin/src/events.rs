//! The path of the history.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use signalbox_runtime::history::{self, FindRequest};

use crate::AdminState;
use crate::query::ActQuery;
use crate::reply::{Rejection, json};

/// Searches the history. The id comes in the body: an address may be logged on its way.
pub(crate) async fn find(
    State(state): State<AdminState>,
    _: ActQuery,
    body: Bytes,
) -> Result<Response, Rejection> {
    // The parser's own error could quote a value.
    let request: FindRequest = serde_json::from_slice(&body).map_err(|_| {
        let told = "the body must be JSON like {\"id\":{\"order_id\":\"…\"},\"filter\":{\"sink\":\"…\"},\"limit\":100}; the id is \
                    message_id, event_id, order_id, email, phone or user_id";
        Rejection(StatusCode::BAD_REQUEST, told.to_owned())
    })?;
    let history = state.history().ok_or_else(|| {
        let told = "this router keeps no history; add the table [history] to its file and restart it";
        Rejection(StatusCode::NOT_FOUND, told.to_owned())
    })?;
    let found = tokio::task::spawn_blocking(move || {
        // The answer shall hold the records of this second. A history that cannot be written says so in the status.
        let _ = history.flush();
        history::find(&history.reader(), &request)
    });
    let found = found.await;
    let page = found.map_err(|_| {
        let told = "this went wrong; the log has the place";
        Rejection(StatusCode::INTERNAL_SERVER_ERROR, told.to_owned())
    })?;
    Ok(json(&page?))
}
