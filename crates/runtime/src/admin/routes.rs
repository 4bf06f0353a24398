//! What each path answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use signalbox_core::{Secret, Sha256Hex};

use super::{AdminState, operator};
use crate::identity;

/// The whole of the admin address, behind the token if there is one.
pub(super) fn router(state: AdminState, token: Option<&Secret>) -> Router {
    let token = token.map(|token| Arc::new(Sha256Hex::of(token.expose())));
    let identity = state.identity.as_ref();
    let identity = identity.and_then(|identity| HeaderValue::from_str(&identity.header()).ok());
    Router::new()
        .route("/health", get(|| async { text(StatusCode::OK, "ok") }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .route("/dead_letters", get(operator::dead_letters))
        .route("/dead_letters/retry", post(operator::retry))
        .route("/dead_letters/discard", post(operator::discard))
        .route("/replay", post(operator::replay))
        .route("/reload", post(operator::reload))
        .fallback(|| async {
            text(
                StatusCode::NOT_FOUND,
                "no such path; there are /health, /ready, /metrics, /status, /dead_letters",
            )
        })
        .with_state(state)
        .layer(middleware::from_fn_with_state(token, authorize))
        .layer(middleware::map_response(move |response| {
            std::future::ready(identify(response, identity.clone()))
        }))
}

/// Tells the journal's identity, also to those who are not let through: it tells nobody anything but whether they are
/// at the right address.
fn identify(mut response: Response, identity: Option<HeaderValue>) -> Response {
    if let Some(identity) = identity {
        response.headers_mut().insert(identity::HEADER, identity);
    }
    response
}

/// Lets through what carries the token. `/health` needs none: it tells nothing, and probes cannot send one.
async fn authorize(State(token): State<Option<Arc<Sha256Hex>>>, request: Request, next: Next) -> Response {
    let allowed = match &token {
        None => true,
        Some(_) if request.uri().path() == "/health" => true,
        Some(token) => bearer(request.headers()).is_some_and(|given| same(&Sha256Hex::of(given), token)),
    };
    let mut response = if allowed {
        next.run(request).await
    } else {
        let mut response = text(
            StatusCode::UNAUTHORIZED,
            "send the token: Authorization: Bearer …",
        );
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    };
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares hashes, so that neither the length nor a common prefix of the token can be measured; and in constant
/// time, so that there is nothing to argue about.
fn same(a: &Sha256Hex, b: &Sha256Hex) -> bool {
    let differences = a
        .as_str()
        .bytes()
        .zip(b.as_str().bytes())
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(differences) == 0
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
    let known = state.source.sinks().await.unwrap_or_default();
    blocking(move || {
        let mut status = state.status();
        status.orphans = known
            .iter()
            .filter(|sink| !status.sinks.contains_key(&sink.name))
            .map(Into::into)
            .collect();
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

pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string_pretty(value) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body + "\n").into_response(),
        Err(_) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the answer cannot be written as JSON",
        ),
    }
}

pub(super) fn text(status: StatusCode, body: &str) -> Response {
    (
        status,
        [(CONTENT_TYPE, "text/plain; charset=utf-8")],
        format!("{body}\n"),
    )
        .into_response()
}
