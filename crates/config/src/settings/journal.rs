//! `[journal]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration, Size};

use super::Table;

/// Where events wait between sources and sinks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalSettings {
    /// Kind of journal: `"disk"`, or `"memory"`, which ends with the process. Default: `"disk"`.
    #[serde(rename = "type", default)]
    pub kind: JournalKind,
    /// Folder of a disk journal, created if it is missing; one router at a time. Default: `"signalbox-journal"`.
    pub path: Option<PathBuf>,
    /// Bytes of unsettled events that the journal holds, at least `"10kB"`; beyond, sources have to wait (503 with
    /// Retry-After). Default: `"10GB"`; memory: `"256MB"`.
    pub max_bytes: Option<Size>,
    /// Age above which unsettled events are dropped, by whole files; the sink counts them as rejected (`journal_max_age`).
    /// Disk only. Default: no limit.
    pub max_age: Option<HumanDuration>,
    /// Time for which events that every sink has settled are kept for replay, unless their room is needed. Disk only.
    /// Default: `"24h"`.
    pub retain: Option<HumanDuration>,
    /// Time for which a `messageId` is known, so that an event is taken only once; `"0s"` switches deduplication off. Disk
    /// only (a memory journal knows the newest 200,000). Default: `"24h"`.
    pub dedup_window: Option<HumanDuration>,
    /// Memory for deduplication, 12 to 25 bytes an id; ids that do not fit are looked up on disk. Disk only. Default:
    /// `"256MB"`.
    pub dedup_memory: Option<Size>,
    /// Time for which a sink that is no longer in the file keeps its unsettled events; then they become dead letters
    /// (`orphaned`). Default: until `signalbox forget --sink NAME`.
    pub orphan_retention: Option<HumanDuration>,
}

impl JournalSettings {
    /// Least `max_bytes`.
    const LEAST_BYTES: u64 = 10_000;

    /// Keys that a memory journal does not have.
    const DISK_ONLY: [&str; 5] = ["path", "max_age", "retain", "dedup_window", "dedup_memory"];

    /// The folder of a disk journal.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| "signalbox-journal".into())
    }

    /// The limit in bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        let default = match self.kind {
            JournalKind::Memory => 256_000_000,
            JournalKind::Disk => 10_000_000_000,
        };
        self.max_bytes.map_or(default, |size| size.0)
    }
}

impl Table for JournalSettings {
    const NAME: &'static str = "journal";

    fn faults(&self) -> Vec<BuildError> {
        let small = self.max_bytes.is_some_and(|size| size.0 < Self::LEAST_BYTES);
        let fault = small.then(|| BuildError::new("max_bytes", "must be at least 10kB"));
        fault.into_iter().collect()
    }

    fn doubts(&self) -> Vec<BuildError> {
        match self.kind {
            JournalKind::Memory => Self::DISK_ONLY
                .map(|key| BuildError::new(key, "has no effect: only a disk journal has it"))
                .to_vec(),
            JournalKind::Disk => Vec::new(),
        }
    }
}

/// The kinds of journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JournalKind {
    /// The memory of the process: its events are lost when the process ends.
    Memory,
    /// The disk: acknowledged events survive a crash.
    #[default]
    Disk,
}
