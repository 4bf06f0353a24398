//! The mark of the list of erasures: it stands in the state and in each heading of a file of frames, and tells how far the
//! list went. So a start notices a list that was deleted, or replaced by an older one. The list is durable before a mark of
//! it is written anywhere.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use crate::{JournalError, Position};

/// The standing of a list of erasures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErasureMark {
    /// The number of the last erasure.
    pub(super) last: u64,
    /// The position before which the erasures that hold cover events; 0 if none holds.
    pub(super) before: Position,
    /// The public name of the list's key.
    pub(super) key: Digest,
}

/// The way in which a list is not the one of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The file is gone.
    Missing,
    /// The list is of another journal, or was begun anew.
    Other,
    /// The list ends with the erasure of this number.
    Older(u64),
}

impl ErasureMark {
    /// Returns the newer mark of two; of equal ones the first.
    pub(crate) fn newer(one: Option<ErasureMark>, other: Option<ErasureMark>) -> Option<ErasureMark> {
        match (one, other) {
            (Some(one), Some(other)) if other.last > one.last => Some(other),
            (one, other) => one.or(other),
        }
    }

    /// Compares the mark with the list that was found; `None` if no event is affected. `start` is the oldest position held,
    /// if any: an erasure ends with the last event that is older than it.
    pub(super) fn lost(&self, found: Option<&ErasureMark>, start: Option<Position>) -> Option<Lost> {
        if start.is_none_or(|start| self.before <= start) {
            return None;
        }
        match found {
            None => Some(Lost::Missing),
            Some(found) if found.key != self.key => Some(Lost::Other),
            Some(found) if found.last < self.last => Some(Lost::Older(found.last)),
            Some(_) => None,
        }
    }

    /// The error of a start with a list that is not the one of this mark.
    pub(super) fn refusal(&self, path: &Path, lost: Lost) -> JournalError {
        let found = match lost {
            Lost::Missing => "the list of erasures is missing".to_owned(),
            Lost::Other => "this is another list of erasures".to_owned(),
            Lost::Older(last) => format!("the list of erasures is older and ends with number {last}"),
        };
        JournalError(format!(
            "{}: {found}, and the journal recorded erasures up to number {}, which cover events before position {}: without \
             them, events of people who asked to be erased would be delivered. Put the newest copy of the file back, or \
             repeat these erasures before the router runs, the first one with `signalbox erase --list-lost`. Nothing was \
             changed",
            path.display(),
            self.last,
            self.before
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::erasures::digest::DigestKey;

    #[test]
    fn a_list_is_lost_only_while_events_from_before_its_erasures_are_held() {
        let key = |_| DigestKey::random().unwrap().name();
        let [own, other] = [0, 1].map(key);
        let mark = |last, before, key| ErasureMark { last, before, key };
        let kept = mark(3, 70, own);
        for (found, start, lost) in [
            (Some(mark(3, 70, own)), Some(0), None),
            // The process ended between the list and the mark, or erasures ended.
            (Some(mark(4, 90, own)), Some(0), None),
            (Some(mark(3, 0, own)), Some(0), None),
            (None, Some(69), Some(Lost::Missing)),
            (Some(mark(2, 50, own)), Some(69), Some(Lost::Older(2))),
            (Some(mark(3, 70, other)), Some(69), Some(Lost::Other)),
            (Some(mark(9, 90, other)), Some(69), Some(Lost::Other)),
            (None, Some(70), None),
            (None, None, None),
        ] {
            assert_eq!(kept.lost(found.as_ref(), start), lost, "{found:?} {start:?}");
        }
        let newer = |one, other| ErasureMark::newer(one, other).map(|mark: ErasureMark| mark.before);
        assert_eq!(newer(Some(mark(1, 5, own)), Some(mark(2, 6, other))), Some(6));
        assert_eq!(newer(Some(mark(2, 5, own)), Some(mark(2, 6, other))), Some(5));
        assert_eq!(newer(None, Some(mark(2, 6, other))), Some(6));
        assert_eq!(newer(None, None), None);
    }
}
