//! Erasures: requests to erase a person's data, kept so that no earlier event of the person is delivered any more.
//!
//! An erasure is recorded as keyed hashes of the person's value in its usual spellings, never as the value. It covers the
//! events that the journal held at that moment: delivery, replays and retries end them as filtered. Events that arrive
//! later are taken in as usual. An erasure ends with the last frame that is older than it.

mod digest;
mod file;
mod index;
mod list;
mod search;
mod spelling;
mod subject;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub(crate) use file::ErasureStore;
pub use index::Index;
pub use list::ErasureList;
pub(crate) use search::search;
pub use subject::{Subject, Wanted};

use crate::{JournalError, Position};

/// The erasures of a journal.
#[async_trait]
pub trait Erasures: Send + Sync {
    /// Returns the recorded erasures. The list changes as erasures are recorded and end.
    fn erasures(&self) -> Arc<ErasureList>;

    /// Makes a test for events that hold one of the wanted values. With the recorded erasure of these values it finds only
    /// events that the erasure covers.
    ///
    /// # Errors
    /// [`JournalError`] if the system gives no random numbers for a key.
    fn erasure_test(&self, wanted: &[Wanted], of: Option<&Erasure>) -> Result<Index, JournalError>;

    /// Records an erasure, and returns when it is durable. It covers all events that the journal holds now.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be written; nothing has changed then.
    async fn record_erasure(&self, subject: Subject, wanted: Vec<Wanted>) -> Result<Erasure, JournalError>;

    /// Saves the results of a recorded erasure.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be written.
    async fn save_erasure(&self, id: u64, results: ErasureResults) -> Result<(), JournalError>;

    /// Searches the log, the oldest event first, until a moment.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    async fn search_log(&self, test: Arc<Index>, until: Instant) -> Result<LogHits, JournalError>;

    /// Removes the parked and the returned events that a test finds, and counts them by
    /// sink; they end as filtered (`erased`). With `dry_run` only counts them. No sink may have a reader unless it is a dry
    /// run.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read or removed.
    async fn erase_parked(
        &self,
        test: Arc<Index>,
        dry_run: bool,
    ) -> Result<BTreeMap<String, u64>, JournalError>;

    /// Describes the files that hold the events at these positions, which are in order.
    fn files_with(&self, positions: &[Position]) -> Vec<HoldingFile> {
        let _ = positions;
        Vec::new()
    }

    /// Deletes the files that an erasure with [`ErasureResults::purge_to`] no longer needs, as the journal does every second
    /// anyway.
    ///
    /// # Errors
    /// [`JournalError`] if the state cannot be written.
    async fn purge(&self) -> Result<(), JournalError> {
        Ok(())
    }
}

/// The reason code of events that an erasure ended.
pub const ERASED: &str = "erased";

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
