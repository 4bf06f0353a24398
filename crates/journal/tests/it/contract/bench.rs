//! Opens journals of each kind.

use std::sync::Arc;

use signalbox_journal::{DeadLetterQuota, DiskOptions, Keys, MemoryJournal};
use tempfile::TempDir;

use crate::support::{Journal, open_with, options};

/// One journal of a kind, which a test opens, and opens again.
pub(crate) struct Bench {
    kind: Kind,
    folder: TempDir,
    pub(crate) max_bytes: u64,
    pub(crate) quota: DeadLetterQuota,
    pub(crate) keys: Option<Keys>,
}

enum Kind {
    Disk,
    Memory,
    #[cfg(feature = "nats")]
    Nats(super::nats::Prefix),
}

impl Bench {
    fn of(kind: Kind) -> Bench {
        Bench {
            kind,
            folder: tempfile::tempdir().unwrap(),
            // Less than the servers of the tests have for each of many journals.
            max_bytes: 20_000_000,
            quota: DeadLetterQuota::default(),
            keys: None,
        }
    }

    pub(crate) async fn disk() -> Option<Bench> {
        Some(Bench::of(Kind::Disk))
    }

    pub(crate) async fn memory() -> Option<Bench> {
        Some(Bench::of(Kind::Memory))
    }

    /// `None` if the machine has no server.
    #[cfg(feature = "nats")]
    pub(crate) async fn nats() -> Option<Bench> {
        Some(Bench::of(Kind::Nats(super::nats::Prefix::new().await?)))
    }

    #[cfg(feature = "nats")]
    pub(crate) async fn sealed_nats() -> Option<Bench> {
        let keys = crate::support::keys(&[1]);
        Some(Bench {
            keys,
            ..Bench::nats().await?
        })
    }

    /// Opens the journal.
    pub(crate) async fn open(&self) -> Arc<dyn Journal> {
        match &self.kind {
            Kind::Disk => Arc::new(open_with(&DiskOptions {
                max_bytes: self.max_bytes,
                dead_letters: self.quota,
                keys: self.keys.clone(),
                ..options(self.folder.path())
            })),
            Kind::Memory => Arc::new(MemoryJournal::with_quota(self.max_bytes, self.quota)),
            #[cfg(feature = "nats")]
            Kind::Nats(prefix) => Arc::new(prefix.open(self, self.folder.path()).await),
        }
    }

    /// Ends the journal and opens it again, as a restart of the router does. One in memory goes on.
    pub(crate) async fn again(&self, journal: Arc<dyn Journal>) -> Arc<dyn Journal> {
        if matches!(self.kind, Kind::Memory) {
            return journal;
        }
        journal.close();
        journal.shutdown().await;
        drop(journal);
        self.open().await
    }
}
