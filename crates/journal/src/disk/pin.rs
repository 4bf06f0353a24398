//! Fewer commits of the store's own.

use redb::{Database, ReadTransaction, ReadableDatabase};

/// Commits after which the pages that were given up since are used again.
const REUSE_AFTER: u32 = 16;

/// Keeps pages that commits give up from being used again at once.
///
/// The store makes use of the few pages that a commit gave up, if nobody may read them any more, in a second commit of
/// its own that costs as much as the first but for the disk. A reader that is replaced now and then makes it one for
/// many. It must be closed before its store.
#[derive(Default)]
pub(super) struct Pin {
    held: Option<ReadTransaction>,
    commits: u32,
}

impl Pin {
    /// To be called before each commit.
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
