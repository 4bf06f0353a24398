//! The reasons this sink gives for not sending an event. Those of answers are the HTTP kit's.

use signalbox_core::{NO_TRIGGER_MATCHED, Reason};

/// `no_trigger_matched`: no enabled mapping listens to this event.
pub(crate) fn no_trigger_matched() -> Reason {
    Reason::new(NO_TRIGGER_MATCHED, "no mapping listens to this event")
}

/// `mapping_failed`: the mapping is one directive, and it met a value it cannot work with.
pub(crate) fn mapping_failed(message: &str) -> Reason {
    Reason::new("mapping_failed", message)
}

/// `empty_record`: there is nothing to send.
pub(crate) fn empty_record() -> Reason {
    Reason::new("empty_record", "the mapping made nothing of this event")
}
