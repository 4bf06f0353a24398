//! Every reason this sink gives.

use std::io::{Error, ErrorKind};

use signalbox_core::Reason;

/// The reader of the pipe has closed it.
pub(crate) fn output_closed() -> Reason {
    Reason::new(
        "output_closed",
        "nobody reads this output any more; start Signalbox again with a reader, or remove the sink",
    )
}

/// Anything else.
pub(crate) fn write_failed(error: &Error) -> Reason {
    Reason::new(
        "write_failed",
        format!("the output could not be written: {}", error.kind()),
    )
}

/// The thread that writes ended without saying how far it came.
pub(crate) fn interrupted() -> Reason {
    Reason::new("write_failed", "writing was interrupted")
}

/// Returns true if the reader has closed the pipe, so the operator must act.
pub(crate) fn is_closed(error: &Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}
