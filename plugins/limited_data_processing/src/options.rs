//! The choices that settings offer.

use schemars::JsonSchema;
use serde::Deserialize;

/// What happens to an event whose opt-out cannot be expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnIncomplete {
    /// It becomes a dead letter with the reason `ldp_incomplete`.
    #[default]
    Reject,
    /// It is filtered with that reason: counted, not kept.
    Drop,
    /// It is sent without the flag, with a warning: the destination then processes it like any other.
    Send,
}
