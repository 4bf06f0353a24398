//! The open store, shared by the one that writes and those that only read.

use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::guard::{Trouble, guarded};
use super::pin::Pin;

/// The store while it is open. Reading waits for no write: each reading sees what was committed last.
#[derive(Clone, Default)]
pub(crate) struct Store(Arc<RwLock<Option<Database>>>);

impl Store {
    pub(super) fn open(&self, db: Database) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(db);
    }

    /// Closes it; readings under way end with an error.
    pub(super) fn close(&self, pin: Pin) {
        let db = self.0.write().unwrap_or_else(PoisonError::into_inner).take();
        let _ = guarded(move || {
            drop(pin);
            drop(db);
            Ok(())
        });
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Trouble> {
        let db = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match &*db {
            Some(db) => guarded(|| work(db)),
            None => Err(Trouble::Refused("it is closed".into())),
        }
    }

    /// Begins a change; the pin is renewed before.
    pub(super) fn begin(&self, pin: &mut Pin) -> Result<WriteTransaction, Trouble> {
        self.with(|db| {
            pin.renew(db)?;
            Ok(db.begin_write()?)
        })
    }

    /// Reads what was committed last.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Trouble> {
        let txn = self.with(|db| Ok(db.begin_read()?))?;
        guarded(|| look(&txn))
    }
}
