//! Every reason this sink gives.

use std::time::Duration;

use async_nats::jetstream::{self, ErrorCode};
use signalbox_core::{Reason, mask};
use signalbox_nats::ConnectError;

/// No connection has been made since the start: no server could be reached, or a server refused and only the operator can
/// change that.
pub(crate) fn unconnected(error: &ConnectError) -> Reason {
    let code = if error.needs_operator() {
        "connection_refused"
    } else {
        "not_connected"
    };
    Reason::new(code, mask(&error.to_string()).into_owned())
}

/// The connection is lost, and the client looks for a server.
pub(crate) fn disconnected(time: Duration) -> Reason {
    let seconds = time.as_secs();
    Reason::new(
        "not_connected",
        format!("no NATS server can be reached for {seconds} s; the client goes on trying"),
    )
}

/// No stream listens to the subject, or the one that does has no leader at the moment.
pub(crate) fn no_stream(subject: &str) -> Reason {
    Reason::new(
        "no_stream",
        format!(
            "no stream listens to the subject `{subject}`; create one for it, or correct `subject` (a stream without a leader \
             looks the same for some seconds)"
        ),
    )
}

/// No acknowledgement in time.
pub(crate) fn no_answer() -> Reason {
    Reason::new(
        "no_answer",
        "no acknowledgement within 10 s: the stream has no leader, or the account may not publish to the subject, which the log \
         then tells",
    )
}

/// The message is longer than the server takes.
pub(crate) fn too_large(bytes: usize, limit: Option<usize>) -> Reason {
    let limit = match limit {
        Some(limit) => format!("`max_payload` of the server, {limit} bytes"),
        None => "`max_msg_size` of the stream".to_owned(),
    };
    Reason::new(
        "too_large",
        format!("the event has {bytes} bytes, more than {limit}"),
    )
}

/// An answer of the servers that is no acknowledgement. True with the reason if the message itself is at fault.
pub(crate) fn answered(error: &jetstream::Error, bytes: usize) -> (Reason, bool) {
    match error.error_code() {
        ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => (too_large(bytes, None), true),
        ErrorCode::STREAM_STORE_FAILED
        | ErrorCode::STORAGE_RESOURCES_EXCEEDED
        | ErrorCode::INSUFFICIENT_RESOURCES
        | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED
        | ErrorCode::MEMORY_RESOURCES_EXCEEDED => {
            let told = format!("the stream takes no more messages: {}", words(error));
            (Reason::new("stream_full", told), false)
        }
        _ => (
            Reason::new(
                "refused",
                format!("the stream refuses the message: {}", words(error)),
            ),
            false,
        ),
    }
}

/// The servers' own words, which name streams and limits and nothing of the message.
fn words(error: &jetstream::Error) -> String {
    mask(&error.to_string()).into_owned()
}

/// The client has ended, or the publishing failed inside of it.
pub(crate) fn interrupted() -> Reason {
    Reason::new(
        "not_connected",
        "the connection broke off while the event was published",
    )
}
