//! Failures of requests that got no complete reply.

use std::error::Error;
use std::io;

use signalbox_core::{Outcome, Reason, redact};

/// A request that got no complete reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The same for people and metrics: a stable code, and a sentence without any of the URL but its host.
    pub reason: Reason,
}

/// Kinds of failures, by the step at which the request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// `request_invalid`: it could not even be built. Nothing was written.
    Invalid,
    /// `connect_failed`: no connection (DNS, TCP, TLS, proxy). Nothing was written.
    Connect,
    /// `timed_out`: the operating system gave up on the connection after something was written. The runtime limits the
    /// time of the whole request.
    TimedOut,
    /// `connection_lost`: it broke while writing, before the reply, or inside it.
    Lost,
    /// `reply_unreadable`: the reply is not HTTP.
    Unreadable,
    /// `reply_too_large`: more than [`crate::ClientOptions::max_reply_bytes`].
    TooLarge,
}

impl FailureKind {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            FailureKind::Invalid => "request_invalid",
            FailureKind::Connect => "connect_failed",
            FailureKind::TimedOut => "timed_out",
            FailureKind::Lost => "connection_lost",
            FailureKind::Unreadable => "reply_unreadable",
            FailureKind::TooLarge => "reply_too_large",
        }
    }

    /// True if the destination may have received the request all the same.
    pub fn maybe_written(self) -> bool {
        !matches!(self, FailureKind::Invalid | FailureKind::Connect)
    }
}

impl Failure {
    /// The outcome of every record of the request: try again.
    pub fn outcome(&self) -> Outcome {
        Outcome::Retry {
            reason: self.reason.clone(),
            after: None,
            maybe_written: self.kind.maybe_written(),
        }
    }

    pub(crate) fn too_large(host: &str, limit: usize) -> Failure {
        Failure::new(
            FailureKind::TooLarge,
            format!("the reply of {host} is longer than {limit} bytes"),
        )
    }

    pub(crate) fn of(error: &reqwest::Error, host: &str) -> Failure {
        let kind = kind(error);
        let what = match kind {
            FailureKind::Invalid => "the request could not be built",
            FailureKind::Connect => "could not connect",
            FailureKind::TimedOut => "the connection timed out",
            FailureKind::Lost => "the connection broke before the reply was complete",
            FailureKind::Unreadable | FailureKind::TooLarge => "the reply is not readable HTTP",
        };
        Failure::new(kind, format!("{what} ({host}): {}", root(error)))
    }

    fn new(kind: FailureKind, message: String) -> Failure {
        Failure {
            kind,
            reason: Reason::new(kind.code(), message),
        }
    }
}

fn kind(error: &reqwest::Error) -> FailureKind {
    if error.is_builder() {
        FailureKind::Invalid
    } else if error.is_connect() {
        FailureKind::Connect
    } else if error.is_timeout() {
        FailureKind::TimedOut
    } else if causes(error).any(is_parse) {
        FailureKind::Unreadable
    } else {
        FailureKind::Lost
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
