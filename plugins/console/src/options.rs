//! The choices that settings offer.

use schemars::JsonSchema;
use serde::Deserialize;

/// Where to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error, where the logs go, too.
    Stderr,
}
