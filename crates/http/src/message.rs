//! Requests and replies, and helpers to build them.

use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use reqwest::Url;
use signalbox_core::Secret;

use crate::Body;

/// A request, ready to be sent. `Content-Length`, `Host` and `User-Agent` are added by the client.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The target; see [`parse_url`].
    pub url: Url,
    /// Headers. Values made by [`bearer`] and [`secret_value`] are marked as sensitive.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Body,
}

impl Request {
    /// Makes a request that posts JSON, with a header that identifies the sender.
    pub fn json(url: &Url, (name, value): (HeaderName, &HeaderValue), body: Body) -> Request {
        let mut headers = HeaderMap::with_capacity(2);
        headers.insert(name, value.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Request {
            method: Method::POST,
            url: url.clone(),
            headers,
            body,
        }
    }
}

/// Shows the method, the host and the size: the rest holds ids, tokens and payload.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Request({} {}, {} bytes)",
            self.method,
            self.url.host_str().unwrap_or_default(),
            self.body.len()
        )
    }
}

/// A complete reply: the body came to its end.
#[derive(Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body, at most [`crate::ClientOptions::max_reply_bytes`].
    pub body: Bytes,
}

/// Shows the status and the size: a body may quote the request.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {} bytes)", self.status.as_u16(), self.body.len())
    }
}

/// Reads a URL that requests can be sent to: absolute, `http` or `https`, without credentials or fragment (`#…`, which
/// would never be sent).
///
/// # Errors
/// A sentence about the mistake, which never repeats the text.
pub fn parse_url(text: &str) -> Result<Url, &'static str> {
    const UNREADABLE: &str = "not a URL; expected one such as \"https://example.com/path\"";
    let url = Url::parse(text).map_err(|_| UNREADABLE)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the URL must begin with \"https://\" or \"http://\"");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(UNREADABLE);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL must not hold a user name or password; put an authorization header instead");
    }
    if url.fragment().is_some() {
        return Err("the URL must not end in a fragment (\"#…\")");
    }
    Ok(url)
}

/// `Bearer TOKEN` for an `Authorization` header, marked as sensitive. `None` if the token holds characters
/// that no header may carry (a line break from a file, for instance).
pub fn bearer(token: &Secret) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {}", token.expose()))
}

/// A header value that is a secret as a whole, marked as sensitive. `None` as for [`bearer`].
pub fn secret_value(value: &Secret) -> Option<HeaderValue> {
    sensitive(value.expose())
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert!(parse_url("https://example.com/a?b=c").is_ok());
        assert!(parse_url("http://127.0.0.1:9900").is_ok());
        for (text, error) in [
            ("", "not a URL"),
            ("example.com/a", "not a URL"),
            ("https://", "not a URL"),
            ("ftp://example.com", "must begin with"),
            ("data:text/plain,a", "must begin with"),
            ("https://ada:pass@example.com", "user name or password"),
            ("https://example.com/#top", "fragment"),
        ] {
            let told = parse_url(text).unwrap_err();
            assert!(told.contains(error) && !told.contains("ada"), "{text}: {told}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let token = Secret::new("pina_123");
        let mut headers = HeaderMap::new();
        headers.insert(http::header::AUTHORIZATION, bearer(&token).unwrap());
        let request = Request {
            method: Method::POST,
            url: parse_url("https://example.com/T0/pina_123?key=pina_123").unwrap(),
            headers: headers.clone(),
            body: Bytes::from_static(b"pina_123").into(),
        };
        assert_eq!(format!("{request:?}"), "Request(POST example.com, 8 bytes)");
        assert!(!format!("{headers:?}").contains("pina_123"));
        let reply = Reply {
            status: StatusCode::OK,
            headers,
            body: Bytes::from_static(b"pina_123"),
        };
        assert_eq!(format!("{reply:?}"), "Reply(200, 8 bytes)");
    }

    #[test]
    fn a_token_with_a_line_break_is_no_header() {
        assert_eq!(bearer(&Secret::new("abc\n")), None);
        assert_eq!(secret_value(&Secret::new("a\r\nx-evil: 1")), None);
    }
}
