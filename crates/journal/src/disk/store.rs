//! The open store, shared by the thread that writes and those that only read.

use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::guard::{Trouble, guarded};
use super::pin::Pin;

/// The store while it is open. Readers wait for no write: each sees the last commit.
#[derive(Clone, Default)]
pub(crate) struct Store(Arc<RwLock<Option<Database>>>);

impl Store {
    pub(super) fn open(&self, db: Database) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(db);
    }

    /// Takes the database away from the readers.
    pub(super) fn take(&self) -> Option<Database> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Closes the store; reads under way end with an error.
    pub(super) fn close(&self, pin: Pin) {
        let db = self.take();
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

    /// Begins a change, after renewing the pin.
    pub(super) fn begin(&self, pin: &mut Pin) -> Result<WriteTransaction, Trouble> {
        self.with(|db| {
            pin.renew(db)?;
            Ok(db.begin_write()?)
        })
    }

    /// Reads the last commit.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Trouble> {
        let txn = self.with(|db| Ok(db.begin_read()?))?;
        guarded(|| look(&txn))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use crate::{DeadLetter, DeadLetterFilter, DiskJournal, DiskOptions, Journal, Page};

    #[tokio::test]
    async fn reading_waits_for_nothing_that_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let journal = DiskJournal::open(DiskOptions::new(folder.path())).unwrap();
        journal.bury(vec![DeadLetter::default(); 3]).await.unwrap();
        // The writing thread is stuck in the middle of a change, as on a disk that does not answer.
        let (go_on, wait) = mpsc::channel::<()>();
        let (tell, stands_still) = tokio::sync::oneshot::channel();
        let stuck = journal.ask(move |keeper| {
            keeper.change(|txn, head| {
                super::super::letter_table::bury(txn, head, &[DeadLetter::default()])?;
                let _ = tell.send(());
                let _ = wait.recv();
                Ok(())
            })
        });
        let look = async {
            stands_still.await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            let page = Page {
                limit: 9,
                ..Page::default()
            };
            let all = DeadLetterFilter::default();
            assert_eq!(
                journal.dead_letter_page(&all, page).await.unwrap().letters.len(),
                3
            );
            assert_eq!(
                journal.dead_letter_summary(&all).await.unwrap().groups[0].count,
                3
            );
            assert_eq!(journal.letters_of("").kept, 3);
            assert!(journal.behind() >= Duration::from_millis(5));
            go_on.send(()).unwrap();
        };
        let (written, ()) = tokio::join!(stuck, look);
        written.unwrap().unwrap();
        assert_eq!(
            (journal.letters_of("").kept, journal.behind()),
            (4, Duration::ZERO)
        );
        journal.shutdown().await;
    }
}
