//! Files of a history that are missing: deleted or overwritten by another program, or damaged.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Losses that are remembered, the latest ones.
pub(crate) const MOST: usize = 8;
/// Time for which a loss is recent, in milliseconds: a day.
const RECENT: i64 = 24 * 3_600_000;

/// The content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Sums,
    /// Records, with their number if it is known.
    Records(Option<u64>),
}

/// The fate of a file that another program deletes.
pub(crate) const DELETED: &str = "was deleted while the router ran";
/// The fate of a file that another program overwrites.
pub(crate) const OVERWRITTEN: &str = "was overwritten while the router ran";
/// The fate of a file that cannot be read, for a reason that is not known.
pub(crate) const DAMAGED: &str = "is damaged";

/// The loss of a file. `Display` is a sentence without the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The moment at which the history noticed it, Unix milliseconds.
    pub at: i64,
    /// True if the file held sums, false if it held records.
    pub sums: bool,
    /// The records that were in it; `None` if their number is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// The file, and what became of it: `rows-2026-11-29.db was deleted while the router ran`.
    pub told: String,
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let told = &self.told;
        match (self.sums, self.records) {
            (true, _) => write!(f, "{told}, and reports lack the sums until then"),
            (false, None) => write!(
                f,
                "{told}, and its records are missing; their number is not known"
            ),
            (false, Some(1)) => write!(f, "{told}, and 1 record is missing"),
            (false, Some(records)) => write!(f, "{told}, and {records} records are missing"),
        }
    }
}

impl Loss {
    /// Returns the sentence with the time at which the history noticed the loss (UTC).
    #[must_use]
    pub fn dated(&self) -> String {
        let at = Timestamp::from_millisecond(self.at).unwrap_or_default();
        format!("{} UTC: {self}", at.strftime("%Y-%m-%d %H:%M:%S"))
    }

    /// Returns true if the history noticed it within the last day.
    #[must_use]
    pub fn is_recent(&self, now: i64) -> bool {
        now - self.at < RECENT
    }
}

/// Says that another program has deleted files of records.
pub(crate) fn deleted(files: u64) -> String {
    match files {
        1 => format!("the file of records {DELETED}"),
        _ => format!("{files} files of records were deleted while the router ran"),
    }
}

/// Returns the name of a file in the history's folder.
pub(crate) fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
