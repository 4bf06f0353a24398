//! The record of an erasure, and the answers of a search.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::subject::Subject;
use crate::Position;

/// A recorded erasure, without the hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its number. Later ones are larger.
    pub id: u64,
    /// The kind of the values.
    pub subject: Subject,
    /// The number of values.
    pub values: u64,
    /// Unix milliseconds when it was recorded.
    pub at: i64,
    /// The erasure covers the events at positions before this one.
    pub before: Position,
    /// Its results; the default until they are known.
    #[serde(default)]
    pub results: ErasureResults,
}

/// The results of an erasure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureResults {
    /// Dead letters removed.
    pub dead_letters: u64,
    /// Parked events removed.
    pub parked: u64,
    /// Pending events of all sinks that end as filtered.
    pub pending: u64,
    /// Files that begin before this position are deleted as soon as every sink has settled their events, even if the log
    /// would keep them for replay; 0 keeps them.
    pub purge_to: Position,
}

/// The events that a search of the log found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogHits {
    /// Their positions in order, with their sources.
    pub found: Vec<(Position, Arc<str>)>,
    /// The position before which everything was searched, if time was up before the end.
    pub stopped_at: Option<Position>,
}

/// A file of the log that holds events of interest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldingFile {
    /// Its name in the journal's folder.
    pub name: String,
    /// The number of these events in it.
    pub events: u64,
    /// True if every sink has settled all events of the file.
    pub settled: bool,
    /// Unix milliseconds when the file's newest event arrived: the file is kept until `retain` after that, and until it is
    /// settled.
    pub newest: i64,
}
