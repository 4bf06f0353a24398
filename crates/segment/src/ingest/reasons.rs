//! Reasons for refusing a body or an event.

use signalbox_core::{ParseError, Reason};

pub(super) fn unparsable(error: ParseError) -> Reason {
    let code = match error {
        ParseError::TooDeep => "too_deep",
        ParseError::TooLong => "payload_too_large",
        ParseError::Syntax { .. } => "invalid_json",
    };
    Reason::new(code, error.to_string())
}

pub(super) fn not_an_object(kind: &str) -> Reason {
    Reason::new("not_an_object", format!("must be a JSON object, not a {kind}"))
}

/// Returns the reason for a body over its limit, with Segment's documented message.
pub fn too_large() -> Reason {
    Reason::new("payload_too_large", "Exceed payload limit")
}
