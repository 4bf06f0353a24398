//! Notes of ends, on their way to the history's thread.

use crate::draft::Draft;
use crate::limits::Keep;
use crate::packed::Packed;
use crate::record::{Attempt, End, Made, Record};
use crate::tallies::Tallies;

/// Records at which notes should be handed over.
const FULL: u64 = 1_024;

/// Notes of ends: sums of all, and packed records of those of which a row is kept. Made by
/// [`History::notes`](crate::History::notes).
#[derive(Debug)]
pub struct Notes {
    keep: Keep,
    count: u64,
    pub(crate) sums: Tallies,
    pub(crate) rows: Packed,
}

impl Notes {
    pub(crate) fn new(keep: Keep) -> Notes {
        Notes {
            keep,
            count: 0,
            sums: Tallies::default(),
            rows: Packed::default(),
        }
    }

    /// Adds a record.
    pub fn add(&mut self, record: &Record<'_>) {
        let attempts = record.attempts.iter().cloned();
        self.note(&record.made(), &record.end(), attempts);
    }

    /// Adds a record by its parts.
    pub fn note<'a>(
        &mut self,
        made: &Made<'_>,
        end: &End<'_>,
        attempts: impl ExactSizeIterator<Item = Attempt<'a>>,
    ) {
        self.count += 1;
        self.sums.add(&made.head(), end, attempts.len(), made.match_keys);
        if self.keep.wants(end.outcome) {
            self.rows.push(made, end, attempts);
        }
    }

    /// Adds a record that was packed when it was made.
    pub fn end<'a>(
        &mut self,
        draft: &Draft,
        end: &End<'_>,
        attempts: impl ExactSizeIterator<Item = Attempt<'a>>,
    ) {
        let Some(head) = draft.head() else { return };
        self.count += 1;
        self.sums.add(&head, end, attempts.len(), draft.match_keys());
        if self.keep.wants(end.outcome) {
            self.rows.push_draft(draft, end, attempts);
        }
    }

    /// Returns the number of records.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns true if there are no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns true if the notes should be handed over, since they have grown large.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count >= FULL || self.rows.is_full()
    }
}
