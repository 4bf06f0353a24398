//! `[history]`

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration, Size};

use super::Table;

/// The history of what became of each event. Without this table there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistorySettings {
    /// Folder of the history's SQLite files, created if it is missing; one router at a time. If the journal has no `key`, the key
    /// that hides ids is made beside it, in a file of the same name with `.key`. Default: `"signalbox-history"`.
    pub path: Option<PathBuf>,
    /// Time for which records and sums are kept, at least `"1h"`. Default: `"7d"`.
    pub keep: Option<HumanDuration>,
    /// Bytes of records that are kept, at least `"10MB"`; beyond, the oldest go, by whole files. Sums stay. Default: `"2GB"`.
    pub max_bytes: Option<Size>,
    /// Events of which records are kept: `"all"`, `"failures"` (rejected and expired ones) or `"off"`. Sums count all. Default:
    /// `"all"`.
    #[serde(default)]
    pub events: HistoryEvents,
}

/// The events of which a history keeps records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryEvents {
    /// All.
    #[default]
    All,
    /// Rejected and expired ones.
    Failures,
    /// None: sums only.
    Off,
}

impl HistorySettings {
    const LEAST_KEEP: Duration = Duration::from_secs(3_600);
    const LEAST_BYTES: u64 = 10_000_000;

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| "signalbox-history".into())
    }

    /// Returns the time for which records and sums are kept.
    #[must_use]
    pub fn keep(&self) -> Duration {
        self.keep
            .map_or(Duration::from_secs(7 * 24 * 3_600), |keep| keep.0)
    }

    /// Returns the limit of the records in bytes.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes.map_or(2_000_000_000, |size| size.0)
    }
}

impl Table for HistorySettings {
    const NAME: &'static str = "history";

    fn faults(&self) -> Vec<BuildError> {
        let short = self.keep.is_some_and(|keep| keep.0 < Self::LEAST_KEEP);
        let small = self.max_bytes.is_some_and(|size| size.0 < Self::LEAST_BYTES);
        let faults = [
            short.then(|| BuildError::new("keep", "must be at least 1h")),
            small.then(|| BuildError::new("max_bytes", "must be at least 10MB")),
        ];
        faults.into_iter().flatten().collect()
    }
}
