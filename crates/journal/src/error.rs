//! Errors of a journal.

use std::time::Duration;

/// Why events were not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No room until a sink has settled more.
    #[error("the journal is full")]
    Full {
        /// When to try again.
        retry_after: Duration,
    },
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
    /// The disk refused.
    #[error(transparent)]
    Failed(#[from] JournalError),
}

/// A failure, with the file and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

impl JournalError {
    /// Names a sink that the journal does not know.
    pub(crate) fn no_sink(name: &str) -> JournalError {
        JournalError(format!("the journal knows no sink '{name}'"))
    }
}

/// Why a journal was not copied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// The new journal does not hold what a copy of the old one would have written so far. It can only be copied into an empty
    /// one.
    #[error("the unfinished copy in the new journal cannot go on: {0}")]
    CannotResume(String),
    /// One of the two cannot be read or written, the new one is not empty, or they differ at the end.
    #[error(transparent)]
    Failed(#[from] JournalError),
}

/// See [`Log::refusing`](crate::Log::refusing).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusing {
    /// The sentence for people, with the place and the remedy.
    pub why: String,
    /// True if the journal's files were deleted or replaced: only a restart helps, and events not delivered by then are
    /// lost.
    pub until_restart: bool,
}
