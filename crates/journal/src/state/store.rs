//! The open store, shared by the writing thread and its readers.

use std::sync::{Arc, PoisonError, RwLock};

use redb::{Builder, Database, ReadableDatabase, WriteTransaction};

use super::read_pin::ReadPin;
use super::tables::CACHE;
use super::tentative::Tentative;
use super::values::{Values, View};
use crate::panic_guard::{Trouble, guarded};

/// The store while it is open, and the form of its values. Readers wait for no write: each sees the last commit.
#[derive(Clone, Default)]
pub(crate) struct Store {
    open: Arc<RwLock<Option<Database>>>,
    pub(super) values: Values,
}

impl Store {
    pub(super) fn new(values: Values) -> Store {
        Store {
            values,
            ..Store::default()
        }
    }

    pub(super) fn open(&self, db: Database) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(db);
    }

    /// Takes the database away from the readers.
    pub(super) fn take(&self) -> Option<Database> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Closes the store; reads under way end with an error.
    pub(super) fn close(&self, pin: ReadPin) {
        let db = self.take();
        let _ = guarded(move || {
            drop(pin);
            drop(db);
            Ok(())
        });
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Trouble> {
        let db = self.open.read().unwrap_or_else(PoisonError::into_inner);
        match &*db {
            Some(db) => guarded(|| work(db)),
            None => Err(Trouble::Refused("it is closed".into())),
        }
    }

    /// Begins a change, after renewing the pin.
    pub(super) fn begin(&self, pin: &mut ReadPin) -> Result<WriteTransaction, Trouble> {
        self.with(|db| {
            pin.renew(db)?;
            Ok(db.begin_write()?)
        })
    }

    /// Reads the last commit.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, redb::Error>,
    ) -> Result<T, Trouble> {
        let txn = self.with(|db| Ok(db.begin_read()?))?;
        guarded(|| {
            look(&View {
                txn: &txn,
                values: &self.values,
            })
        })
    }
}

/// Opens a store and checks it whole, since it is small and is written to.
pub(super) fn open_database(file: Tentative) -> Result<Database, redb::Error> {
    let mut builder = Builder::new();
    let builder = builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    Ok(builder.create_with_backend(file)?)
}
