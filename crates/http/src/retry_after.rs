//! The `Retry-After` header (RFC 9110, section 10.2.3).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The longest wait a destination may ask for. A wrong clock or a wrong unit on its side must not stop a sink for days;
/// one request an hour does no harm.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Returns the wait that the destination asks for, in seconds or until an HTTP date, at most [`MAX_RETRY_AFTER`]; zero
/// for a date in the past, `None` if the header is missing or neither of the two.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time, too.
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        date.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn read(text: &[u8], now: SystemTime) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_bytes(text).ok()?);
        retry_after(&headers, now)
    }

    #[test]
    fn seconds_and_dates() {
        let now = httpdate::parse_http_date("Tue, 24 Nov 2026 10:00:00 GMT").unwrap();
        let secs = |secs| Some(Duration::from_secs(secs));
        for (text, wait) in [
            ("0", secs(0)),
            (" 120 ", secs(120)),
            ("86400", secs(3600)),
            ("99999999999999999999999999", secs(3600)),
            ("Tue, 24 Nov 2026 10:00:30 GMT", secs(30)),
            ("Tue, 24 Nov 2026 09:00:00 GMT", secs(0)),
            ("Wed, 25 Nov 2026 10:00:00 GMT", secs(3600)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(read(text.as_bytes(), now), wait, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    proptest! {
        #[test]
        fn never_longer_than_the_cap(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(wait) = read(&text, SystemTime::UNIX_EPOCH) {
                prop_assert!(wait <= MAX_RETRY_AFTER);
            }
        }
    }
}
