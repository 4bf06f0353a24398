//! The answers. One body satisfies every SDK: some read `code` and `message`, some `error`, some `success`.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use signalbox_core::json::write_json_string;
use signalbox_core::{Reason, Refused, RefusedCause};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Marks a response that is not sent: the connection is closed instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HangUp;

fn reply(status: StatusCode, kind: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A JSON text with 200.
pub(crate) fn json(body: impl Into<Body>) -> Response {
    reply(StatusCode::OK, JSON, body)
}

/// The request is accepted: exactly 200, since PHP's SDK repeats without end on any other 2xx.
pub(crate) fn success() -> Response {
    json(r#"{"success": true}"#)
}

/// The request is not accepted, with the reason.
pub(crate) fn error(status: StatusCode, reason: &Reason) -> Response {
    let mut body = br#"{"success": false, "code": "#.to_vec();
    write_json_string(reason.code(), &mut body);
    for name in ["message", "error"] {
        body.extend_from_slice(format!(r#", "{name}": "#).as_bytes());
        write_json_string(reason.message(), &mut body);
    }
    body.push(b'}');
    reply(status, JSON, body)
}

/// 400 with the reason.
pub(crate) fn bad_request(reason: &Reason) -> Response {
    error(StatusCode::BAD_REQUEST, reason)
}

/// 403: this page may never use the key.
pub(crate) fn forbidden(reason: &Reason) -> Response {
    error(StatusCode::FORBIDDEN, reason)
}

/// 404.
pub(crate) fn not_found(message: &str) -> Response {
    error(StatusCode::NOT_FOUND, &Reason::new("not_found", message))
}

/// 405.
pub(crate) fn method_not_allowed(allow: &'static str) -> Response {
    let reason = Reason::new("method_not_allowed", format!("this path takes {allow}"));
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, &reason);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allow));
    response
}

/// 429 or 503 with whole seconds, at least 1: Node and browsers read no dates and no zero.
pub(crate) fn refused(refused: &Refused) -> Response {
    let (status, message) = match refused.cause {
        RefusedCause::RateLimited => (
            StatusCode::TOO_MANY_REQUESTS,
            "Too many requests; try again later",
        ),
        RefusedCause::Full => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Out of room for events; try again later",
        ),
        RefusedCause::Unwritable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Events cannot be stored at the moment; try again later",
        ),
        RefusedCause::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "Restarting; try again later"),
    };
    come_back(
        status,
        &Reason::new(refused.cause.code(), message),
        refused.retry_after,
    )
}

/// Answers 429 instead of 401 to an address that sends nothing but wrong keys.
pub(crate) fn too_many_wrong_keys(after: Duration) -> Response {
    let message = "Too many requests with an invalid write key; correct the key, or try again later";
    let reason = Reason::new("invalid_write_key", message);
    come_back(StatusCode::TOO_MANY_REQUESTS, &reason, after)
}

fn come_back(status: StatusCode, reason: &Reason, after: Duration) -> Response {
    let seconds = after
        .as_secs()
        .saturating_add(u64::from(after.subsec_nanos() > 0))
        .max(1);
    let mut response = error(status, reason);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response.headers_mut().insert(RATE_LIMIT_RESET, seconds.into());
    response
}

/// A transparent pixel, for accepted and refused events alike.
pub(crate) fn pixel() -> Response {
    const GIF: &[u8] =
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\
        \x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";
    let mut response = reply(StatusCode::OK, HeaderValue::from_static("image/gif"), GIF);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Closes the connection without an answer.
pub(crate) fn hang_up() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(HangUp);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_whole_seconds_and_never_zero() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (59_500, "60")] {
            let response = refused(&Refused {
                cause: RefusedCause::RateLimited,
                retry_after: Duration::from_millis(millis),
            });
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(response.headers()[RETRY_AFTER], seconds);
            assert_eq!(response.headers()["x-ratelimit-reset"], seconds);
        }
    }
}
