//! Cross-origin rules of browsers. Pages that send events always have another origin than this source, and
//! no permission rests on cookies, so every origin may.

use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, CONTENT_LENGTH, VARY,
};
use http::{HeaderMap, HeaderValue};

const ALWAYS_ALLOWED: &str = "Authorization, Content-Type, X-Retry-Count";

/// Lets the page read an answer, errors too: an SDK that cannot see a 400 sends the event again.
pub(crate) fn expose(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Retry-After, X-RateLimit-Reset"),
    );
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

/// Answers a browser's question before the request itself.
pub(crate) fn preflight(request: &HeaderMap) -> Response {
    let mut response = Response::default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, OPTIONS"),
    );
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed(request));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    if request.get("access-control-request-private-network") == Some(&HeaderValue::from_static("true")) {
        headers.insert(
            "access-control-allow-private-network",
            HeaderValue::from_static("true"),
        );
    }
    response
}

/// The usual names and those asked for; `*` would not cover `Authorization`.
fn allowed(request: &HeaderMap) -> HeaderValue {
    request
        .get(ACCESS_CONTROL_REQUEST_HEADERS)
        .and_then(|asked| asked.to_str().ok())
        .map(str::trim)
        .filter(|asked| !asked.is_empty())
        .and_then(|asked| HeaderValue::try_from(format!("{ALWAYS_ALLOWED}, {asked}")).ok())
        .unwrap_or(HeaderValue::from_static(ALWAYS_ALLOWED))
}
