//! The choices that settings offer.

use schemars::JsonSchema;
use serde::Deserialize;

/// The treatment of an event whose opt-out cannot be expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnIncomplete {
    /// Make the event a dead letter with the reason `ldp_incomplete`.
    #[default]
    Reject,
    /// Filter the event with that reason: counted, not kept.
    Drop,
    /// Send the event without the flag, with a warning: the destination then processes it like any other.
    Send,
}
