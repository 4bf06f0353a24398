//! Checkpoints: the positions and other small values that a source remembers over restarts.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

use crate::StartError;

/// A source's checkpoints: small values by key that last as long as the journal, for a source that reads from a
/// position and continues there after a restart (an offset in a file, a position in a log).
///
/// Save one only after the [`Outlet`](crate::Outlet) has answered. After a crash in between, the source reads a little
/// again, which deduplication recognises by `messageId`, and skips nothing.
#[async_trait]
pub trait Checkpoints: fmt::Debug + Send + Sync {
    /// Loads all saved values, by key.
    ///
    /// # Errors
    /// [`StartError`] if they cannot be read.
    async fn load(&self) -> Result<BTreeMap<String, Vec<u8>>, StartError>;

    /// Saves a value, or with `None` removes it. An encrypted journal encrypts values and not keys, so keys hold nothing
    /// personal. It becomes durable soon, never before the dead letters that the source
    /// handed over earlier.
    fn save(&self, key: &str, value: Option<Vec<u8>>);

    /// Returns when everything saved before is durable. That can take as long as a disk is full.
    async fn flush(&self);
}
