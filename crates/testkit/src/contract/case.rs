//! A case of the contract: an act of the server, and the outcome it demands.

use crate::server::Act;

/// The documented exceptions of a sink.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// True for a status that alone, without a look at the body, means that all records were delivered. Default:
    /// no status does.
    pub status_delivers: fn(u16) -> bool,
}

impl Default for Promise {
    fn default() -> Self {
        Promise {
            status_delivers: |_| false,
        }
    }
}

/// One act of the server, and the outcome it demands.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) act: Act,
    pub(super) wanted: Wanted,
}

impl Case {
    pub(super) fn new(name: impl Into<String>, act: Act, wanted: Wanted) -> Case {
        Case {
            name: name.into(),
            act,
            wanted,
        }
    }
}

/// The outcome that a case demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Anything but delivered.
    NotDelivered,
    /// Every record is retried, and nothing can have been written.
    NotWritten,
    /// Every record is retried, and may have been written.
    MaybeWritten,
    /// Every record is retried.
    Retry,
}

impl Wanted {
    /// Returns the outcome that HTTP gives a refusal with this status.
    pub(super) fn of_status(status: u16) -> Wanted {
        match status {
            408 | 425 | 429 => Wanted::Retry,
            300..=399 | 500.. => Wanted::Retry,
            _ => Wanted::NotDelivered,
        }
    }
}
