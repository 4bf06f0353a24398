//! Settings of a history.

use std::path::PathBuf;
use std::time::Duration;

use crate::key_file::NewKey;
use crate::record::Outcome;

/// The records of which a row is kept. Sums count all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// All records.
    #[default]
    All,
    /// Rejected and expired ones.
    Failures,
    /// None.
    Off,
}

impl Keep {
    /// Returns the name in the pipeline file and in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Keep::All => "all",
            Keep::Failures => "failures",
            Keep::Off => "off",
        }
    }

    pub(crate) fn wants(self, outcome: Outcome) -> bool {
        match self {
            Keep::All => true,
            Keep::Failures => outcome.is_failure(),
            Keep::Off => false,
        }
    }
}

/// Settings of a history.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the files, created if it is missing; one router at a time.
    pub folder: PathBuf,
    /// Time for which rows and sums are kept.
    pub keep: Duration,
    /// Bytes that files of rows may take. Beyond, the oldest file goes.
    pub max_bytes: u64,
    /// The records of which a row is kept.
    pub rows: Keep,
    /// Records whose rows may wait for the history's thread; more are dropped.
    pub queue: usize,
    /// Bytes that they may take in memory.
    pub queue_bytes: usize,
    /// The key that the history writes to its file before its first row, if the file was not there. Default: none.
    pub new_key: Option<NewKey>,
}

impl Settings {
    /// Keeps rows of all records in a folder for 7 days, in 2 GB at most, and lets 20,000 records wait that take
    /// 8 MB.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Settings {
        Settings {
            folder: folder.into(),
            keep: Duration::from_secs(7 * 24 * 3600),
            max_bytes: 2_000_000_000,
            rows: Keep::All,
            queue: 20_000,
            queue_bytes: 8 << 20,
            new_key: None,
        }
    }

    /// Returns the bytes at which a file of rows is full: a part of the limit, so that little goes with the oldest file.
    pub(crate) fn file_bytes(&self) -> u64 {
        (self.max_bytes / 8).max(100_000)
    }

    pub(crate) fn keep_millis(&self) -> i64 {
        i64::try_from(self.keep.as_millis()).unwrap_or(i64::MAX)
    }
}
