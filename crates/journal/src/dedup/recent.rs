//! The newest ids, in memory only.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashTable;

use super::{Dedup, Id};

/// The number of ids that are remembered.
const LIMIT: usize = 200_000;

/// The newest ids.
#[derive(Default)]
pub(crate) struct RecentIds {
    known: HashTable<Known>,
    in_order: VecDeque<Known>,
}

#[derive(Clone)]
struct Known {
    fingerprint: u64,
    source: Arc<str>,
    id: Arc<str>,
}

impl Known {
    fn id(&self) -> Id<'_> {
        Id {
            fingerprint: self.fingerprint,
            source: &self.source,
            id: &self.id,
            hash: None,
        }
    }
}

impl Dedup for RecentIds {
    fn knows(&mut self, id: Id<'_>, _: i64) -> bool {
        self.known
            .find(id.fingerprint, |known| known.id() == id)
            .is_some()
    }

    fn learn(&mut self, id: Id<'_>, _: i64) {
        if id.id.is_empty() {
            return;
        }
        let known = Known {
            fingerprint: id.fingerprint,
            source: id.source.into(),
            id: id.id.into(),
        };
        self.in_order.push_back(known.clone());
        self.known
            .insert_unique(id.fingerprint, known, |known| known.fingerprint);
        if self.in_order.len() > LIMIT
            && let Some(oldest) = self.in_order.pop_front()
            && let Ok(entry) = self
                .known
                .find_entry(oldest.fingerprint, |known| known.id() == oldest.id())
        {
            entry.remove();
        }
    }
}
