//! A source's checkpoints, kept by the journal.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use signalbox_core::{Checkpoints, StartError};
use signalbox_journal::Journal;

/// The checkpoints of one source.
pub(crate) struct SourceCheckpoints {
    pub(crate) source: Arc<str>,
    pub(crate) journal: Arc<dyn Journal>,
}

impl fmt::Debug for SourceCheckpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceCheckpoints")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Checkpoints for SourceCheckpoints {
    async fn load(&self) -> Result<BTreeMap<String, Vec<u8>>, StartError> {
        let saved = self.journal.checkpoints(&self.source).await;
        saved.map_err(|error| StartError(error.to_string()))
    }

    fn save(&self, key: &str, value: Option<Vec<u8>>) {
        self.journal.save_checkpoint(&self.source, key, value);
    }

    async fn flush(&self) {
        self.journal.flush().await;
    }
}
