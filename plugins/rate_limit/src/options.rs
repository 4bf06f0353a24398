//! The choices that settings offer.

use schemars::JsonSchema;
use serde::Deserialize;

/// What happens to an event over the quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnExceeded {
    /// It waits for its turn, others go on. On a sink only.
    Wait,
    /// It is filtered, with the reason `rate_limited`.
    Drop,
    /// Its request is answered 429 with Retry-After; nothing of the request is stored. On a source only.
    Refuse,
}
