//! The units of time over which settings count a limit.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// A length of time over which a limit is counted, as settings write it.
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
    /// Returns the window of a [`Quota`](super::Quota).
    #[must_use]
    pub fn window(self) -> Duration {
        Duration::from_secs(match self {
            Per::Second => 1,
            Per::Minute => 60,
            Per::Hour => 3600,
        })
    }
}
