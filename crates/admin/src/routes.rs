//! What each path answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use signalbox_runtime::identity;

use crate::guard::{Guard, guard};
use crate::reply::{json, text};
use crate::{AdminState, letters, operator};

/// Builds the routes of the admin address, behind its guard.
pub(crate) fn router(state: AdminState, guarded: Guard) -> Router {
    let identity = state.identity.as_ref();
    let identity = identity.and_then(|identity| HeaderValue::from_str(&identity.header()).ok());
    Router::new()
        .route("/health", get(alive))
        .route("/live", get(alive))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .route("/dead_letters", get(letters::list))
        .route("/dead_letters/summary", get(letters::summary))
        .route("/dead_letters/export", get(letters::export))
        .route("/dead_letters/retry", post(letters::retry))
        .route("/dead_letters/discard", post(letters::discard))
        .route("/replay", post(operator::replay))
        .route("/sinks", get(operator::sinks))
        .route("/forget", post(operator::forget))
        .route("/reload", post(operator::reload))
        .fallback(|| async {
            text(
                StatusCode::NOT_FOUND,
                "no such path; there are /health, /live, /ready, /metrics, /status, /dead_letters",
            )
        })
        .with_state(state)
        .layer(middleware::from_fn_with_state(Arc::new(guarded), guard))
        .layer(middleware::map_response(move |response| {
            std::future::ready(identify(response, identity.clone()))
        }))
}

/// Adds the journal's identity, even to refusals: it tells a caller only if this is the right address.
fn identify(mut response: Response, identity: Option<HeaderValue>) -> Response {
    if let Some(identity) = identity {
        response.headers_mut().insert(identity::HEADER, identity);
    }
    response
}

async fn alive() -> Response {
    text(StatusCode::OK, "ok")
}

async fn ready(State(state): State<AdminState>) -> Response {
    match state.source.ready() {
        Ok(()) => text(StatusCode::OK, "ready"),
        Err(reason) => text(StatusCode::SERVICE_UNAVAILABLE, &format!("not ready: {reason}")),
    }
}

async fn metrics(State(state): State<AdminState>) -> Response {
    blocking(move || {
        let headers = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
        (headers, state.telemetry().prometheus_text()).into_response()
    })
    .await
}

async fn status(State(state): State<AdminState>) -> Response {
    let known = state.orphans.known(&state.source).await;
    blocking(move || {
        let mut status = state.status();
        if let Some(known) = known {
            let orphans = known.sinks.iter();
            let orphans = orphans.filter(|sink| !status.sinks.contains_key(&sink.name));
            status.orphans = orphans.map(Into::into).collect();
            status.orphans_age_seconds = Some(known.at.elapsed().as_secs());
        }
        json(&status)
    })
    .await
}

/// Reading takes locks and may read files: not on a thread that drives deliveries.
async fn blocking(answer: impl FnOnce() -> Response + Send + 'static) -> Response {
    tokio::task::spawn_blocking(answer).await.unwrap_or_else(|_| {
        text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this went wrong; the log has the place",
        )
    })
}
