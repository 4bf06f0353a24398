//! An answer of the sandbox, whole or broken off.

use std::io;
use std::task::Poll;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::poll_fn;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;

/// An answer before it is sent.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    content_type: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Break off in the middle of the body.
    pub(crate) cut: bool,
}

impl Reply {
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        // Our own structures serialize; should one not, an empty body is the honest answer.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self::text(status, "application/json", body)
    }

    pub(crate) fn text(status: StatusCode, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            content_type,
            headers: Vec::new(),
            cut: false,
        }
    }

    pub(crate) fn error(status: StatusCode, code: u32, message: &str) -> Self {
        Self::json(status, &json!({ "code": code, "message": message }))
    }

    /// An error whose code is its status.
    pub(crate) fn other(status: StatusCode, message: &str) -> Self {
        Self::error(status, status.as_u16().into(), message)
    }

    pub(crate) fn not_allowed() -> Self {
        Self::other(StatusCode::METHOD_NOT_ALLOWED, "This method is not allowed here.")
    }

    pub(crate) fn not_found() -> Self {
        Self::other(StatusCode::NOT_FOUND, "There is nothing at this path.")
    }

    /// A page of HTML, as a gateway before the API sends it.
    pub(crate) fn page(status: StatusCode, message: &str) -> Self {
        Self::text(
            status,
            "text/html",
            format!("<html><body>{message}</body></html>"),
        )
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self::text(StatusCode::FOUND, "text/plain", "").header(LOCATION, location)
    }

    /// Adds the header `Retry-After`.
    pub(crate) fn retry_after(self, seconds: Option<u64>) -> Self {
        match seconds {
            Some(seconds) => self.header(RETRY_AFTER, &seconds.to_string()),
            None => self,
        }
    }

    /// Adds a header, unless its value cannot stand in one.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).ok();
        self.headers.extend(value.map(|value| (name, value)));
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let length = self.body.len();
        let mut bytes = Bytes::from(self.body);
        let body = if self.cut {
            bytes.truncate(length / 2);
            cut(bytes)
        } else {
            Body::from(bytes)
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if self.cut {
            // Announced whole: a reader who reaches the end of the connection must see that bytes are missing.
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length.max(1)));
        }
        headers.extend(self.headers);
        response
    }
}

/// A body that ends in an error after its data, whereupon hyper drops the connection.
fn cut(data: Bytes) -> Body {
    let mut data = Some(data);
    let mut flushed = false;
    Body::from_stream(poll_fn(move |context| {
        if let Some(data) = data.take() {
            return Poll::Ready(Some(Ok(data)));
        }
        if !std::mem::replace(&mut flushed, true) {
            // Yield once, so that hyper writes the data before the error.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset))))
    }))
}
