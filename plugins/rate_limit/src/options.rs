//! The choices that settings offer.

use schemars::JsonSchema;
use serde::Deserialize;

/// The treatment of an event over the quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnExceeded {
    /// Let the event wait for its turn while others go on. On a sink only.
    Wait,
    /// Filter the event with the reason `rate_limited`.
    Drop,
    /// Answer its request with 429 and Retry-After; nothing of the request is stored. On a source only.
    Refuse,
}
