//! Every reason and warning this transform gives.

use signalbox_core::{Reason, Warning};

/// The values of an event's `type`.
pub(crate) const TYPES: [&str; 6] = ["track", "identify", "page", "screen", "group", "alias"];

/// `mapping_failed`: the mapping is one directive, and it met a value it cannot work with.
pub(crate) fn failed(message: &str) -> Reason {
    Reason::new("mapping_failed", message)
}

const NOT_AN_OBJECT: &str = "mapping_not_an_object";

/// `mapping_not_an_object`: nothing could take the event's place.
pub(crate) fn no_event() -> Reason {
    Reason::new(
        NOT_AN_OBJECT,
        "the mapping made no object that could take the event's place",
    )
}

/// `mapping_not_an_object`, where the event can go on without.
pub(crate) fn nothing_to_merge() -> Warning {
    Warning::new(
        NOT_AN_OBJECT,
        "",
        "the mapping made no object; the event went on as it was",
    )
}

/// `mapping_too_deep`: the result of the mapping could not be read back.
pub(crate) fn too_deep() -> Reason {
    Reason::new(
        "mapping_too_deep",
        "what the mapping made is nested too deeply, or too long, for an event",
    )
}

/// `mapping_kept`: a member that must not take the value mapped to it.
pub(crate) fn kept(path: &str) -> Warning {
    let message = match path {
        "context" => {
            "context holds the user's consent, and only an object can be merged with it; it was kept"
        }
        "type" => "what was mapped to it is no type of event; it was kept",
        _ => "what was mapped to it is no text, or empty; it was kept",
    };
    Warning::new("mapping_kept", path, message)
}
