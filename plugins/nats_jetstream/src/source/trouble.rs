//! Why the source does not read at the moment.

use std::fmt;

use async_nats::jetstream::consumer::pull::{MessagesError, MessagesErrorKind};
use signalbox_core::mask;
use signalbox_nats::ConnectError;

/// Why the source does not read at the moment, in words for the operator.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No server can be used.
    Connect(ConnectError),
    /// The servers know no such stream.
    NoStream(String),
    /// The consumer is there and cannot be used: the fault and the remedy.
    Consumer(String),
    /// A request to the servers failed.
    Request(&'static str, String),
    /// Reading broke off.
    Lost(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Connect(error) => write!(f, "{error}"),
            Trouble::NoStream(stream) => write!(
                f,
                "the servers have no stream `{stream}`, or the account may not see it; create it, or correct `stream`"
            ),
            Trouble::Consumer(told) => f.write_str(told),
            Trouble::Request(what, error) => write!(f, "{what} failed: {error}"),
            Trouble::Lost(told) => write!(f, "reading broke off: {told}"),
        }
    }
}

impl Trouble {
    /// Words a failed request.
    pub(super) fn request(what: &'static str, error: &dyn fmt::Display) -> Trouble {
        Trouble::Request(what, mask(&error.to_string()).into_owned())
    }

    /// Words the end of a stream of messages. Some ends are usual while servers restart.
    pub(super) fn lost(error: Option<&MessagesError>) -> Trouble {
        let told = match error.map(MessagesError::kind) {
            Some(MessagesErrorKind::MissingHeartbeat) => "the server has given no sign for 6 s".to_owned(),
            Some(MessagesErrorKind::ConsumerDeleted) => "the consumer was deleted; the source makes it again".to_owned(),
            Some(MessagesErrorKind::NoResponders) => "the consumer has no leader at the moment".to_owned(),
            Some(MessagesErrorKind::RequestLimitExceeded) => {
                "the consumer limits the size of requests below what the source asks for; remove `max_batch`, `max_expires` and \
                 `max_bytes` from it"
                    .to_owned()
            }
            Some(_) => error.map_or_else(String::new, |error| mask(&error.to_string()).into_owned()),
            None => "the server ended the subscription".to_owned(),
        };
        Trouble::Lost(told)
    }
}
