//! What settings count a limit over.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// A length of time that a limit is counted over, as settings write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// 1 second.
    Second,
    /// 60 seconds.
    Minute,
    /// 3,600 seconds.
    Hour,
}

impl Per {
    /// The window of a [`Quota`](super::Quota).
    #[must_use]
    pub fn window(self) -> Duration {
        Duration::from_secs(match self {
            Per::Second => 1,
            Per::Minute => 60,
            Per::Hour => 3600,
        })
    }
}
