//! The recorded erasures in memory, as delivery asks them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use signalbox_core::Event;

use super::digest::{Digest, DigestKey};
use super::index::{Index, Span};
use super::record::{Erasure, ErasureResults};
use crate::Position;

/// A recorded erasure with its hashes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    #[serde(flatten)]
    pub(crate) erasure: Erasure,
    pub(super) digests: Vec<Digest>,
}

/// The erasures that hold now. Without any, and for events that came after the newest, asking costs one load.
#[derive(Debug, Default)]
pub struct ErasureList {
    /// The largest `before` plus one; 0 if there is no erasure.
    newest: AtomicU64,
    now: RwLock<Arc<Now>>,
}

#[derive(Debug, Default)]
struct Now {
    kept: Vec<Kept>,
    index: Option<Index>,
}

impl ErasureList {
    /// Replaces the erasures.
    pub(super) fn set(&self, key: &DigestKey, kept: Vec<Kept>) {
        let mut index = Index::new(key.clone());
        for Kept { erasure, digests } in &kept {
            index.add(erasure.subject, digests, Span::of(erasure));
        }
        let newest = kept
            .iter()
            .map(|kept| kept.erasure.before.saturating_add(1))
            .max();
        let index = (!kept.is_empty()).then_some(index);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Now { kept, index });
        self.newest.store(newest.unwrap_or(0), Ordering::Release);
    }

    fn now(&self) -> Arc<Now> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// True if an erasure covers an event. `place` is its place in the log; `None` if it never had one.
    #[must_use]
    #[inline]
    pub fn covers(&self, place: Option<Position>, event: &Event) -> bool {
        let newest = self.newest.load(Ordering::Relaxed);
        if newest == 0 || place.is_some_and(|place| place.saturating_add(1) >= newest) {
            return false;
        }
        let now = self.now();
        now.index.as_ref().is_some_and(|index| index.finds(event, place))
    }

    /// Lists the erasures, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Erasure> {
        self.now().kept.iter().map(|kept| kept.erasure.clone()).collect()
    }

    /// Returns true if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.newest.load(Ordering::Relaxed) == 0
    }

    /// Lists the erasures with their hashes.
    pub(super) fn kept(&self) -> Vec<Kept> {
        self.now().kept.clone()
    }

    /// The position that the newest erasure covers events before; 0 if there is none.
    pub(crate) fn newest(&self) -> Position {
        self.newest.load(Ordering::Acquire).saturating_sub(1)
    }

    /// Files that begin before this position need not be kept for replay; 0 if none was asked to be purged.
    pub(crate) fn purge_to(&self) -> Position {
        let now = self.now();
        let places = now.kept.iter().map(|kept| kept.erasure.results.purge_to);
        places.max().unwrap_or(0)
    }
}

/// Adds an erasure to a list.
pub(super) fn added(mut kept: Vec<Kept>, erasure: Erasure, digests: Vec<Digest>) -> Vec<Kept> {
    kept.push(Kept { erasure, digests });
    kept
}

/// Sets the results of an erasure in a list.
pub(super) fn with_results(mut kept: Vec<Kept>, id: u64, results: &ErasureResults) -> Vec<Kept> {
    if let Some(found) = kept.iter_mut().find(|kept| kept.erasure.id == id) {
        found.erasure.results.clone_from(results);
    }
    kept
}
