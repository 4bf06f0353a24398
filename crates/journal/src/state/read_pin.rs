//! Pins pages of the store with a long-lived read transaction, which saves the store's internal second commits.

use redb::{Database, ReadTransaction, ReadableDatabase};

/// Commits after which freed pages are reused.
const REUSE_AFTER: u32 = 16;

/// A read transaction that keeps freed pages from being reused at once.
///
/// The store reclaims the pages that a commit freed, unless a reader may still see them, in an internal second commit that
/// costs as much as the first apart from the disk. With a pinned reader that is renewed now and then, one such commit
/// serves many. The pin must be dropped before its store is closed.
#[derive(Default)]
pub(super) struct ReadPin {
    held: Option<ReadTransaction>,
    commits: u32,
}

impl ReadPin {
    /// Renews the pin if it is due. Call it before each commit.
    pub(super) fn renew(&mut self, db: &Database) -> Result<(), redb::Error> {
        if self.held.is_none() || self.commits >= REUSE_AFTER {
            // The old one must be gone before the next begins, or its pages would wait for that one too.
            self.held = None;
            self.held = Some(db.begin_read()?);
            self.commits = 0;
        }
        self.commits += 1;
        Ok(())
    }
}
