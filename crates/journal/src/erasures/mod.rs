//! Erasures: requests to erase a person's data, kept so that no earlier event of the person is delivered any more.
//!
//! An erasure is recorded as keyed hashes of the person's value in its usual spellings, never as the value. It covers the
//! events that the journal held at that moment: delivery, replays and retries end them as filtered. Events that arrive
//! later are taken in as usual. An erasure ends with the last frame that is older than it.

mod digest;
mod file;
mod index;
mod list;
mod mark;
mod record;
mod search;
mod spelling;
mod subject;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

pub(crate) use file::ErasureStore;
pub use index::Index;
pub use list::ErasureList;
pub(crate) use mark::ErasureMark;
pub use record::{Erasure, ErasureResults, HoldingFile, LogHits};
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
