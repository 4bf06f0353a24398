//! A case of the contract: an act of the server, and the outcome it demands.

use crate::server::Act;

/// The destination's side of a sink's contract: documented exceptions, and replies in its own form.
#[derive(Debug, Clone)]
pub struct Promise {
    /// True for a status that alone, without a look at the body, means that all records were delivered. Default:
    /// no status does.
    pub status_delivers: fn(u16) -> bool,
    /// Replies in the destination's form. Default: none, so only what holds for every destination is checked.
    pub replies: Replies,
}

impl Default for Promise {
    fn default() -> Self {
        Promise {
            status_delivers: |_| false,
            replies: Replies::default(),
        }
    }
}

/// Makes the reply, status and body, to this number of records that refuses the one at an index.
pub type RefusesOne = fn(usize, usize) -> (u16, String);

/// Replies in a destination's form: status and body. `{echo}` in a body becomes the whole request, escaped as in a JSON
/// string.
#[derive(Debug, Clone, Default)]
pub struct Replies {
    /// A body that accepts this number of records, with status 200.
    pub accepts: Option<fn(usize) -> String>,
    /// Replies that accept this number of records but for the one at an index, which they refuse.
    pub refuses_one: Vec<RefusesOne>,
    /// Replies to this number of records that refuse the whole request over the one at an index.
    pub names_one: Vec<RefusesOne>,
    /// Bodies that tell nothing about the records, though they look like an acceptance.
    pub unclear: &'static [&'static str],
    /// Replies that refuse the request for an event in it.
    pub refused: &'static [(u16, &'static str)],
    /// Replies that ask for fewer requests.
    pub throttled: &'static [(u16, &'static str)],
    /// Replies that need an operator: a token, rights, an account.
    pub unauthorized: &'static [(u16, &'static str)],
    /// Replies that say of a probe that deliveries can work.
    pub probe_passes: &'static [(u16, &'static str)],
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
    /// Every record is retried and may have been written, or the sink is held, since another attempt does not help.
    Unclear,
    /// Every record is retried.
    Retry,
    /// Every record is delivered.
    Delivered,
    /// The record at this index is rejected, all others are delivered.
    RejectedAt(usize),
    /// The request is refused over the record at this index.
    CulpritAt(usize),
    /// A record is at fault: rejected, or looked for.
    Refused,
    /// The sink is held.
    Held,
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
