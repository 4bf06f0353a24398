//! What each path answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use signalbox_core::{Secret, Sha256Hex};

use super::AdminState;

/// How many dead letters are listed unless the request says.
const LIMIT: usize = 100;
/// The most that a request may ask for.
const MOST: usize = 1_000;

/// The whole of the admin address, behind the token if there is one.
pub(super) fn router(state: AdminState, token: Option<&Secret>) -> Router {
    let token = token.map(|token| Arc::new(Sha256Hex::of(token.expose())));
    Router::new()
        .route("/health", get(|| async { text(StatusCode::OK, "ok") }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .route("/dead_letters", get(dead_letters))
        .fallback(|| async {
            text(
                StatusCode::NOT_FOUND,
                "no such path; there are /health, /ready, /metrics, /status, /dead_letters",
            )
        })
        .with_state(state)
        .layer(middleware::from_fn_with_state(token, authorize))
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
        (headers, state.telemetry.prometheus_text()).into_response()
    })
    .await
}

async fn status(State(state): State<AdminState>) -> Response {
    blocking(move || json(&state.status())).await
}

/// `?sink=NAME&reason=CODE&limit=N`, each optional.
#[derive(Debug, Default, PartialEq, Eq)]
struct Choice {
    sink: Option<String>,
    reason: Option<String>,
    limit: Option<usize>,
}

impl Choice {
    fn parse(query: &str) -> Result<Choice, String> {
        let mut choice = Choice::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value)
                .decode_utf8()
                .map_err(|_| "the query is not UTF-8")?;
            match key {
                "sink" => choice.sink = Some(value.into_owned()),
                "reason" => choice.reason = Some(value.into_owned()),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                    choice.limit = Some(limit.ok_or(format!("limit must be a number from 1 to {MOST}"))?);
                }
                _ => return Err("the query may hold sink, reason and limit".to_owned()),
            }
        }
        Ok(choice)
    }
}

async fn dead_letters(State(state): State<AdminState>, request: Request) -> Response {
    let choice = match Choice::parse(request.uri().query().unwrap_or("")) {
        Ok(choice) => choice,
        Err(error) => return text(StatusCode::BAD_REQUEST, &error),
    };
    blocking(move || {
        let letters = state.source.dead_letters();
        let limit = choice.limit.unwrap_or(LIMIT);
        match letters.list(choice.sink.as_deref(), choice.reason.as_deref(), limit) {
            Ok(list) => json(&serde_json::json!({ "kept": letters.counts(), "dead_letters": list })),
            Err(error) => text(
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!("the dead letters cannot be read: {error}"),
            ),
        }
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

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string_pretty(value) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body + "\n").into_response(),
        Err(_) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the answer cannot be written as JSON",
        ),
    }
}

fn text(status: StatusCode, body: &str) -> Response {
    (
        status,
        [(CONTENT_TYPE, "text/plain; charset=utf-8")],
        format!("{body}\n"),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let choice = Choice::parse("sink=source%3Aweb&&reason=too_large&limit=5").unwrap();
        assert_eq!(
            choice,
            Choice {
                sink: Some("source:web".into()),
                reason: Some("too_large".into()),
                limit: Some(5)
            }
        );
        assert_eq!(Choice::parse(""), Ok(Choice::default()));
        for bad in [
            "limit=0",
            "limit=1001",
            "limit=x",
            "limit",
            "token=abc",
            "sink=%ff",
        ] {
            let error = Choice::parse(bad).unwrap_err();
            assert!(!error.contains("abc"), "{error}");
        }
    }

    #[test]
    fn tokens() {
        let headers =
            |value: &'static str| HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
        assert_eq!(bearer(&headers("Bearer abc")), Some("abc"));
        assert_eq!(bearer(&headers("bearer  abc")), Some("abc"));
        assert_eq!(bearer(&headers("Basic abc")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
        assert!(same(&Sha256Hex::of("abc"), &Sha256Hex::of("abc")));
        assert!(!same(&Sha256Hex::of("abc"), &Sha256Hex::of("abd")));
    }
}
