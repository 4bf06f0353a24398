//! The events that were stored although their id was known: two routers published it within some milliseconds. Such an
//! event is at an earlier position of the log already, so each reader leaves the later one out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The indices of duplicates, by the sequence of their frame. They are rare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marks(BTreeMap<u64, Box<[u16]>>);

impl Marks {
    /// Marks events of a frame; the indices are in order.
    pub(super) fn set(&mut self, sequence: u64, indices: Vec<u16>) {
        if !indices.is_empty() {
            self.0.insert(sequence, indices.into());
        }
    }

    /// The indices of a frame's duplicates, in order.
    pub(super) fn of(&self, sequence: u64) -> &[u16] {
        self.0.get(&sequence).map_or(&[], |indices| indices)
    }

    /// Counts the duplicates of a frame with an index in `low..high`.
    pub(super) fn count(&self, sequence: u64, low: usize, high: usize) -> usize {
        let within = |index: &&u16| (low..high).contains(&usize::from(**index));
        self.of(sequence).iter().filter(within).count()
    }

    /// Forgets the frames before a sequence.
    pub(super) fn purge(&mut self, first: u64) {
        self.0 = self.0.split_off(&first);
    }
}
