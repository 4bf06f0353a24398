//! The paths of the history.

use std::sync::PoisonError;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use signalbox_history::{History, Reader, Report};
use signalbox_runtime::history::{self, FindRequest};
use signalbox_runtime::life::{self, LifeRequest, Lives, Sight};

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
                    message_id, event_id, order_id, email, phone or user_id, and a parameter value, currency, order_id, contents, \
                    event_id or source_url";
        Rejection(StatusCode::BAD_REQUEST, told.to_owned())
    })?;
    read(&state, move |reader| history::find(&reader, &request)).await
}

/// Tells the lives of events.
pub(crate) async fn lives(
    State(state): State<AdminState>,
    _: ActQuery,
    body: Bytes,
) -> Result<Response, Rejection> {
    let request: LifeRequest = serde_json::from_slice(&body).map_err(|_| {
        let told = "the body must be JSON like {\"id\":{\"order_id\":\"…\"},\"filter\":{\"sink\":\"…\"},\"again\":true}; the id is \
                    message_id, event_id, order_id, email, phone, user_id or person, and a parameter value, currency, order_id, \
                    contents, event_id or source_url";
        Rejection(StatusCode::BAD_REQUEST, told.to_owned())
    })?;
    Ok(json(&state.lives(&request).await?))
}

impl AdminState {
    /// Finds events, and tells their lives by the history and the journal.
    ///
    /// # Errors
    /// A sentence about the request, that there is no history, or that it or the journal cannot be read.
    pub async fn lives(&self, request: &LifeRequest) -> Result<Lives, String> {
        let history = self.kept_history()?;
        let flushed = history.clone();
        // A history that cannot be written says so in the status.
        let flushed = tokio::task::spawn_blocking(move || flushed.flush());
        let _ = flushed.await;
        let ledger = self.live.read().unwrap_or_else(PoisonError::into_inner).0.clone();
        let sight = Sight {
            reader: history.reader(),
            journal: self.source.journal(),
            ledger: &ledger,
            stage: &|sink| self.source.stage(sink),
            running: true,
        };
        let mut lives = life::lives(sight, request).await?;
        // An event that is not found may be one of those that are missing.
        if lives.events.is_empty() && !request.pending {
            let health = history.health();
            let missing = health.missing().map(|missing| format!("the history {missing}"));
            let lost = health.losses.iter();
            let lost = lost.map(|loss| format!("the history lost a file, {}", loss.dated()));
            lives.incomplete.extend(missing.into_iter().chain(lost));
        }
        Ok(lives)
    }

    fn kept_history(&self) -> Result<History, String> {
        self.history().ok_or_else(|| {
            "this router keeps no history, since its journal is in memory; add the table [history] to its file and restart it"
                .to_owned()
        })
    }
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
    if let Some(by) = request.repeated() {
        let told = format!("by names the column {} twice", by.name());
        return Err(Rejection(StatusCode::BAD_REQUEST, told));
    }
    read(&state, move |reader| history::report(&reader, &request)).await
}

/// Answers from the history's files.
async fn read<T: Serialize + Send + 'static>(
    state: &AdminState,
    answer: impl FnOnce(Reader) -> Result<T, String> + Send + 'static,
) -> Result<Response, Rejection> {
    let history = state.kept_history();
    let history = history.map_err(|told| Rejection(StatusCode::NOT_FOUND, told))?;
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
