//! Checkpoints for sources under test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use signalbox_core::{Checkpoints, StartError};

/// Keeps checkpoints in memory; clones share them, so that a test can start a source again.
#[derive(Debug, Clone, Default)]
pub struct MemoryCheckpoints(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl MemoryCheckpoints {
    /// Returns the checkpoints for a `SourceContext`.
    pub fn shared(&self) -> Arc<dyn Checkpoints> {
        Arc::new(self.clone())
    }

    /// Returns a copy of the saved checkpoints.
    pub fn saved(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts back checkpoints that were saved earlier, as if a crash had undone the last saves.
    pub fn restore(&self, saved: BTreeMap<String, Vec<u8>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = saved;
    }
}

#[async_trait]
impl Checkpoints for MemoryCheckpoints {
    async fn load(&self) -> Result<BTreeMap<String, Vec<u8>>, StartError> {
        Ok(self.saved())
    }

    fn save(&self, key: &str, value: Option<Vec<u8>>) {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match value {
            Some(value) => drop(saved.insert(key.to_owned(), value)),
            None => drop(saved.remove(key)),
        }
    }

    async fn flush(&self) {}
}
