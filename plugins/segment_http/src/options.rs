//! Settings with a choice of values, which the configuration and the request handling both read.

use schemars::JsonSchema;
use serde::Deserialize;

/// The answer to a write key that is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnknownKey {
    /// Answer 401.
    #[default]
    Reject,
    /// Answer 200 and forget the events.
    Drop,
}
