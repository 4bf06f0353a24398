//! `[history]`

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration, Size};

use super::{JournalSettings, Table};

/// The history of what became of each event. Without this table, a router whose journal is not in memory keeps the sums
/// alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistorySettings {
    /// Folder of the history's SQLite files, created if it is missing; one router at a time. If the journal has no `key`, the key
    /// that hides ids is made beside it, in a file of the same name with `.key`. Default: the folder beside that of the journal
    /// with its name and `-history`, so `"signalbox-journal-history"`; on NATS that beside the cache, so
    /// `"signalbox-cache-history"`; memory journal: `"signalbox-history"`.
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

    /// Returns the settings of a file without the table: sums alone. With a memory journal there is no history then, since such
    /// a router writes no files.
    pub(crate) fn without_table(journal: &JournalSettings) -> Option<HistorySettings> {
        journal.is_durable().then(|| HistorySettings {
            events: HistoryEvents::Off,
            ..HistorySettings::default()
        })
    }

    /// Fills in the default folder, which is that of no other journal.
    pub(crate) fn beside(self, journal: &JournalSettings) -> HistorySettings {
        HistorySettings {
            path: self.path.or_else(|| journal.beside("-history")),
            ..self
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JournalKind;

    #[test]
    fn the_default_folder_lies_beside_that_of_the_journal() {
        let journal = |kind, path: Option<&str>| JournalSettings {
            kind,
            path: path.map(Into::into),
            ..JournalSettings::default()
        };
        for (journal, folder) in [
            (journal(JournalKind::Disk, None), "signalbox-journal-history"),
            (
                journal(JournalKind::Disk, Some("/var/lib/a")),
                "/var/lib/a-history",
            ),
            (journal(JournalKind::Disk, Some("./a.d/")), "./a.d-history"),
            (journal(JournalKind::Disk, Some("/")), "signalbox-history"),
            (journal(JournalKind::Memory, None), "signalbox-history"),
            // A journal on NATS has a cache instead of a folder.
            (
                journal(JournalKind::Nats, Some("/var/lib/a")),
                "signalbox-cache-history",
            ),
        ] {
            let beside = HistorySettings::default().beside(&journal);
            assert_eq!(beside.folder(), PathBuf::from(folder));
        }
        let named = HistorySettings {
            path: Some("here".into()),
            ..HistorySettings::default()
        };
        let disk = journal(JournalKind::Disk, None);
        assert_eq!(named.beside(&disk).folder(), PathBuf::from("here"));
        let sums = HistorySettings::without_table(&disk).unwrap();
        assert_eq!(sums.events, HistoryEvents::Off);
        let memory = journal(JournalKind::Memory, None);
        assert_eq!(HistorySettings::without_table(&memory), None);
    }
}
