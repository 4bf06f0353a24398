//! The paths of the history.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use signalbox_history::{Reader, Report};
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
    read(&state, move |reader| history::find(&reader, &request)).await
}

/// Adds up the sums of the history.
pub(crate) async fn report(
    State(state): State<AdminState>,
    _: ActQuery,
    body: Bytes,
) -> Result<Response, Rejection> {
    let request: Report = serde_json::from_slice(&body).map_err(|problem| {
        let told = format!(
            "the body must be JSON like {{\"by\":[\"sink\",\"outcome\"],\"since\":1795953600000,\"details\":true}}: {problem}"
        );
        Rejection(StatusCode::BAD_REQUEST, told)
    })?;
    read(&state, move |reader| history::report(&reader, &request)).await
}

/// Answers from the history's files.
async fn read<T: Serialize + Send + 'static>(
    state: &AdminState,
    answer: impl FnOnce(Reader) -> Result<T, String> + Send + 'static,
) -> Result<Response, Rejection> {
    let history = state.history().ok_or_else(|| {
        let told = "this router keeps no history, since its journal is in memory; add the table [history] to its file and restart it";
        Rejection(StatusCode::NOT_FOUND, told.to_owned())
    })?;
    let answered = tokio::task::spawn_blocking(move || {
        // The answer shall hold the records of this second. A history that cannot be written says so in the status.
        let _ = history.flush();
        answer(history.reader())
    });
    let answered = answered.await.map_err(|_| {
        let told = "this went wrong; the log has the place";
        Rejection(StatusCode::INTERNAL_SERVER_ERROR, told.to_owned())
    })?;
    Ok(json(&answered?))
}
