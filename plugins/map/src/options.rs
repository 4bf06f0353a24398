//! The choices that settings offer.

use schemars::JsonSchema;
use serde::Deserialize;

/// The treatment of the event's other members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Keep them. Objects are merged member by member, everything else is replaced.
    #[default]
    Merge,
    /// Remove them, except `messageId`, `type`, the timestamps, `integrations` and the consent.
    Replace,
}
