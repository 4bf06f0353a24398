//! Cutting batches: by count, exact bytes and time.

use std::collections::VecDeque;

use signalbox_core::Framing;
use tokio::time::Instant;

use super::item::{Group, Item};
use super::options::BatchLimits;

/// Records that wait for a batch, oldest first.
#[derive(Debug)]
pub(super) struct Ready {
    items: VecDeque<Item>,
    /// Bytes of the items, each with a separator.
    bytes: usize,
    limits: BatchLimits,
    framing: Framing,
}

impl Ready {
    pub(super) fn new(limits: BatchLimits, framing: Framing) -> Ready {
        Ready {
            items: VecDeque::new(),
            bytes: 0,
            limits,
            framing,
        }
    }

    fn cost(&self, item: &Item) -> usize {
        item.record.bytes.len() + self.framing.separator
    }

    /// Bytes left for records and separators; there is one separator fewer than records.
    fn room(&self) -> usize {
        (self.limits.max_bytes + self.framing.separator).saturating_sub(self.framing.request)
    }

    /// True if a record of `len` bytes fits into a request.
    pub(super) fn fits(&self, len: usize) -> bool {
        len + self.framing.separator <= self.room()
    }

    pub(super) fn push_back(&mut self, item: Item) {
        self.bytes += self.cost(&item);
        self.items.push_back(item);
    }

    pub(super) fn push_front(&mut self, item: Item) {
        self.bytes += self.cost(&item);
        self.items.push_front(item);
    }

    /// Keeps only the items for which `keep` returns true.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Item) -> bool) {
        self.items.retain(keep);
        self.bytes = self.items.iter().map(|item| self.cost(item)).sum();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.items.len() >= self.limits.max_events || self.bytes >= self.room()
    }

    /// Time at which the oldest record has waited long enough.
    pub(super) fn due(&self) -> Option<Instant> {
        self.items
            .front()
            .map(|item| item.ready_since + self.limits.max_wait)
    }

    /// Takes the next batch, of records with one key; at least one record if there is any.
    pub(super) fn cut(&mut self) -> Group {
        let (mut count, mut bytes, room) = (0, 0, self.room());
        let key = self.items.front().map(|item| item.record.batch_key);
        for item in self.items.iter().take(self.limits.max_events) {
            let cost = self.cost(item);
            if count > 0 && (bytes + cost > room || key != Some(item.record.batch_key)) {
                break;
            }
            bytes += cost;
            count += 1;
        }
        self.bytes -= bytes;
        Group {
            items: self.items.drain(..count).collect(),
            ..Group::default()
        }
    }
}
