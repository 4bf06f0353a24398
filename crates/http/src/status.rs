//! The meaning of statuses.

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::StatusCode;
use signalbox_core::{Outcome, Reason, Verdict};

use crate::{Reply, retry_after};

/// The meaning of a status for the records of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The request was accepted; the destination reads the outcomes of the records from the reply.
    Success,
    /// Try again later.
    Retry,
    /// The operator must act: the credentials, the account or the address are wrong.
    Hold,
    /// The request was refused: bisect it until the record at fault is alone. A record refused alone is rejected.
    Isolate,
    /// Unknown to this program (a redirect, 1xx): try again later, under a separate reason.
    Odd,
}

impl Class {
    /// The class of a status without knowledge of the destination:
    ///
    /// | status | class | reason code |
    /// |---|---|---|
    /// | 2xx | success | |
    /// | 401, 403, 404 | hold | `unauthorized`, `forbidden`, `not_found` |
    /// | 407 | hold (it can only come from a proxy) | `proxy_unauthorized` |
    /// | 408, 425, 429 | retry | `request_timed_out`, `too_early`, `rate_limited` |
    /// | 413 | isolate | `request_too_large` |
    /// | other 4xx | isolate | `request_refused` |
    /// | 5xx | retry | `server_error` |
    /// | 3xx | odd: retry | `redirected` |
    /// | anything else | odd: retry | `unexpected_status` |
    pub fn of(status: StatusCode) -> Class {
        match status.as_u16() {
            200..=299 => Class::Success,
            401 | 403 | 404 | 407 => Class::Hold,
            408 | 425 | 429 => Class::Retry,
            400..=499 => Class::Isolate,
            500..=599 => Class::Retry,
            _ => Class::Odd,
        }
    }
}

/// [`Class::of`] with a destination's exceptions.
#[derive(Debug, Clone, Default)]
pub struct StatusTable {
    exceptions: BTreeMap<u16, Class>,
}

impl StatusTable {
    /// No exceptions.
    pub fn new() -> StatusTable {
        StatusTable::default()
    }

    /// Adds exceptions; the last one for a status counts.
    #[must_use]
    pub fn with(mut self, class: Class, statuses: impl IntoIterator<Item = u16>) -> StatusTable {
        self.exceptions
            .extend(statuses.into_iter().map(|status| (status, class)));
        self
    }

    /// The class of a status.
    pub fn class(&self, status: StatusCode) -> Class {
        match self.exceptions.get(&status.as_u16()) {
            Some(class) => *class,
            None => Class::of(status),
        }
    }

    /// Interprets a reply that is no success. Never reports a record as delivered: a status of [`Class::Success`] (a
    /// 204 where only 200 lists the outcomes of records) counts as [`Class::Odd`].
    ///
    /// `words` is the destination's explanation, which the destination's code reads from the body; it is shown redacted,
    /// and may be empty. `Retry-After` is honoured with every class that retries.
    pub fn failure(&self, reply: &Reply, words: &str) -> Verdict {
        let class = self.class(reply.status);
        let reason = self.reason(reply, words);
        match class {
            Class::Isolate => Verdict::Isolate(reason),
            Class::Hold => Verdict::Hold(reason),
            Class::Retry | Class::Odd | Class::Success => Verdict::All(Outcome::Retry {
                reason,
                after: retry_after(&reply.headers, SystemTime::now()),
                maybe_written: maybe_written(reply.status),
            }),
        }
    }

    /// The reason for a reply that is no success: a code for the status's kind, and a sentence with the
    /// status and the destination's words, redacted.
    pub fn reason(&self, reply: &Reply, words: &str) -> Reason {
        let status = reply.status;
        let lead = match status.canonical_reason() {
            Some(name) => format!("answered {} {name}", status.as_u16()),
            None => format!("answered {}", status.as_u16()),
        };
        Reason::from_vendor(code(status), &lead, words)
    }
}

fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        300..=399 => "redirected",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        407 => "proxy_unauthorized",
        408 => "request_timed_out",
        413 => "request_too_large",
        425 => "too_early",
        429 => "rate_limited",
        400..=499 => "request_refused",
        500..=599 => "server_error",
        _ => "unexpected_status",
    }
}

/// Statuses by which a server says that it did not process the request. Any other might come from a gateway
/// in front of a server that did.
fn maybe_written(status: StatusCode) -> bool {
    !matches!(status.as_u16(), 408 | 425 | 429)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use bytes::Bytes;
    use http::HeaderMap;

    fn reply(status: u16) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    #[test]
    fn the_table() {
        let retry = |code, maybe_written| (code, "retry", maybe_written);
        for (status, wanted) in [
            (101, retry("unexpected_status", true)),
            (200, retry("unexpected_status", true)),
            (204, retry("unexpected_status", true)),
            (301, retry("redirected", true)),
            (304, retry("redirected", true)),
            (400, ("request_refused", "isolate", false)),
            (401, ("unauthorized", "hold", false)),
            (402, ("request_refused", "isolate", false)),
            (403, ("forbidden", "hold", false)),
            (404, ("not_found", "hold", false)),
            (407, ("proxy_unauthorized", "hold", false)),
            (408, retry("request_timed_out", false)),
            (410, ("request_refused", "isolate", false)),
            (413, ("request_too_large", "isolate", false)),
            (422, ("request_refused", "isolate", false)),
            (425, retry("too_early", false)),
            (429, retry("rate_limited", false)),
            (500, retry("server_error", true)),
            (503, retry("server_error", true)),
            (599, retry("server_error", true)),
            (999, retry("unexpected_status", true)),
        ] {
            let found = match StatusTable::new().failure(&reply(status), "") {
                Verdict::Isolate(reason) => (reason.code().to_owned(), "isolate", false),
                Verdict::Hold(reason) => (reason.code().to_owned(), "hold", false),
                Verdict::All(Outcome::Retry {
                    reason,
                    maybe_written,
                    after: None,
                }) => (reason.code().to_owned(), "retry", maybe_written),
                other => panic!("{status}: {other:?}"),
            };
            assert_eq!((&*found.0, found.1, found.2), wanted, "{status}");
        }
    }

    #[test]
    fn no_failure_is_ever_a_delivery() {
        for status in 100..=999 {
            for class in [
                Class::Success,
                Class::Retry,
                Class::Hold,
                Class::Isolate,
                Class::Odd,
            ] {
                let table = StatusTable::new().with(class, [status]);
                assert!(!matches!(
                    table.failure(&reply(status), ""),
                    Verdict::Settled(_) | Verdict::All(Outcome::Delivered { .. }) | Verdict::Reencode(_)
                ));
            }
        }
    }

    #[test]
    fn a_destination_has_exceptions() {
        let table = StatusTable::new()
            .with(Class::Retry, [409, 404])
            .with(Class::Hold, [404]);
        assert_eq!(table.class(StatusCode::CONFLICT), Class::Retry);
        assert_eq!(table.class(StatusCode::NOT_FOUND), Class::Hold);
        assert_eq!(table.class(StatusCode::OK), Class::Success);
        assert_eq!(table.class(StatusCode::BAD_GATEWAY), Class::Retry);
    }

    #[test]
    fn words_are_redacted_and_the_wait_is_kept() {
        let mut reply = reply(429);
        reply.headers.insert("retry-after", "7".parse().unwrap());
        let Verdict::All(Outcome::Retry { reason, after, .. }) =
            StatusTable::new().failure(&reply, "slow down, ada@example.com")
        else {
            panic!()
        };
        assert_eq!(after, Some(Duration::from_secs(7)));
        assert_eq!(reason.message(), "answered 429 Too Many Requests: slow down, …");
    }
}
