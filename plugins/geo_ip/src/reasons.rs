//! Every warning this transform gives.

use signalbox_core::Warning;

/// The warning about a location that cannot take a member.
pub(crate) fn location_is_no_object(kind: &str) -> Warning {
    Warning::new(
        "location_unusable",
        "context.location",
        format!("is a {kind}, not an object, so country and region of the address were left out"),
    )
}
