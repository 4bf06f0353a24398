//! Failures of requests that got no complete reply.

use std::error::Error;
use std::io;

use signalbox_core::{Outcome, Reason, redact};

/// A request that got no complete reply. The codes of the reasons:
///
/// | code | step at which the request failed |
/// |---|---|
/// | `request_invalid` | it could not even be built; nothing was written |
/// | `connect_failed` | no connection (DNS, TCP, TLS, proxy); nothing was written |
/// | `timed_out` | the operating system gave up on the connection after something was written; the runtime limits the time of the whole request |
/// | `connection_lost` | the connection broke while writing, before the reply, or inside it |
/// | `reply_unreadable` | the reply is not HTTP |
/// | `reply_too_large` | the reply has more than [`crate::ClientOptions::max_reply_bytes`] |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A stable code, and a sentence without any of the URL but its host.
    pub reason: Reason,
    /// True if the destination may have received the request all the same.
    pub maybe_written: bool,
}

impl Failure {
    /// The outcome of every record of the request: try again.
    pub fn outcome(self) -> Outcome {
        Outcome::Retry {
            reason: self.reason,
            after: None,
            maybe_written: self.maybe_written,
        }
    }

    pub(crate) fn too_large(host: &str, limit: usize) -> Failure {
        let message = format!("the reply of {host} is longer than {limit} bytes");
        Failure {
            reason: Reason::new("reply_too_large", message),
            maybe_written: true,
        }
    }

    pub(crate) fn of(error: &reqwest::Error, host: &str) -> Failure {
        let (code, what) = if error.is_builder() {
            ("request_invalid", "the request could not be built")
        } else if error.is_connect() {
            ("connect_failed", "could not connect")
        } else if error.is_timeout() {
            ("timed_out", "the connection timed out")
        } else if causes(error).any(is_parse) {
            ("reply_unreadable", "the reply is not readable HTTP")
        } else {
            (
                "connection_lost",
                "the connection broke before the reply was complete",
            )
        };
        Failure {
            reason: Reason::new(code, format!("{what} ({host}): {}", root(error))),
            maybe_written: !error.is_builder() && !error.is_connect(),
        }
    }
}

fn is_parse(error: &(dyn Error + 'static)) -> bool {
    let hyper = error.downcast_ref::<hyper::Error>();
    let io = error.downcast_ref::<io::Error>();
    hyper.is_some_and(hyper::Error::is_parse)
        // A chunk size that is none, for instance.
        || io.is_some_and(|io| matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput))
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

/// The innermost cause says what happened ("Connection refused", "invalid peer certificate"); the outer layers
/// only repeat the URL.
fn root(error: &reqwest::Error) -> String {
    match causes(error).last() {
        Some(cause) => redact(&cause.to_string()),
        None => "no cause known".to_owned(),
    }
}
