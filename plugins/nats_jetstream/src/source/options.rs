//! The choices that settings offer.

use schemars::JsonSchema;
use serde::Deserialize;

/// Form of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One Segment call, or a body of `/v1/batch`, as JSON.
    #[default]
    Segment,
}

/// Where a new consumer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartAt {
    /// With the oldest message of the stream.
    #[default]
    Oldest,
    /// With the first message that comes after the consumer was made.
    New,
}
