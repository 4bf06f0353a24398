//! The events appended last, as they were appended: sinks that keep pace never parse nor read the disk.
//!
//! A frame stays until every reader that is near has gone over it, and as long as all of them fit in the bounds. Memory
//! is then as much as sinks are behind, and what is freed is freed while it is still in the processor's cache.

use std::collections::VecDeque;
use std::sync::Arc;

use signalbox_core::Event;

use super::prepared::Built;
use crate::{Entry, Position};

/// A reader that is so many events behind what is here, or fewer, will soon want it. One that is further behind (its
/// destination is down) reads from the disk anyway.
const NEAR: u64 = 10_000;

pub(crate) struct Recent {
    frames: VecDeque<RecentFrame>,
    bytes: u64,
    max_bytes: u64,
    readers: Vec<Standing>,
    next_reader: u64,
}

/// Where a reader stands.
struct Standing {
    reader: u64,
    at: Position,
}

pub(crate) struct RecentFrame {
    first: Position,
    events: Vec<Arc<Event>>,
    bytes: u64,
}

impl RecentFrame {
    fn end(&self) -> Position {
        self.first + self.events.len() as u64
    }
}

impl Recent {
    pub(crate) fn new(max_bytes: u64) -> Recent {
        Recent {
            frames: VecDeque::new(),
            bytes: 0,
            max_bytes,
            readers: Vec::new(),
            next_reader: 0,
        }
    }

    /// Announces a reader; returns the number by which it is known here.
    pub(crate) fn enter(&mut self, at: Position) -> u64 {
        let reader = self.next_reader;
        self.next_reader += 1;
        self.readers.push(Standing { reader, at });
        reader
    }

    /// A reader has gone. What nobody wants any more is returned here and below, since freeing it takes longer than a
    /// lock should be held.
    pub(crate) fn leave(&mut self, reader: u64) -> Vec<RecentFrame> {
        self.readers.retain(|standing| standing.reader != reader);
        self.sweep()
    }

    /// Takes a frame's events in.
    pub(crate) fn add(&mut self, frame: &Built, events: Vec<Arc<Event>>) -> Vec<RecentFrame> {
        self.bytes += frame.memory;
        self.frames.push_back(RecentFrame {
            first: frame.first,
            events,
            bytes: frame.memory,
        });
        self.sweep()
    }

    /// Events from a position on, at most `max`, for a reader that stands there; none if it is not here.
    pub(crate) fn take(&mut self, reader: u64, from: Position, max: usize) -> (Vec<Entry>, Vec<RecentFrame>) {
        let entries = self.from(from, max);
        let at = entries.last().map_or(from, |entry| entry.position + 1);
        if let Some(standing) = self.readers.iter_mut().find(|standing| standing.reader == reader) {
            standing.at = at;
        }
        (entries, self.sweep())
    }

    /// The event at a position, if it is here.
    pub(crate) fn get(&self, position: Position) -> Option<Arc<Event>> {
        self.from(position, 1).pop().map(|entry| entry.event)
    }

    fn from(&self, position: Position, max: usize) -> Vec<Entry> {
        let after = self.frames.partition_point(|frame| frame.first <= position);
        let frames = self.frames.range(after.saturating_sub(1)..);
        let held = self
            .frames
            .back()
            .map_or(0, |last| last.end().saturating_sub(position));
        let mut entries = Vec::with_capacity(usize::try_from(held).map_or(max, |held| held.min(max)));
        let mut at = position;
        for frame in frames {
            if at < frame.first || entries.len() == max {
                break;
            }
            let skip = usize::try_from(at - frame.first).unwrap_or(usize::MAX);
            let before = entries.len();
            for event in frame.events.iter().skip(skip).take(max - before) {
                entries.push(Entry {
                    position: at,
                    event: event.clone(),
                });
                at += 1;
            }
            if entries.len() == before {
                break;
            }
        }
        entries
    }

    fn sweep(&mut self) -> Vec<RecentFrame> {
        let mut gone = Vec::new();
        while let Some(oldest) = self.frames.front() {
            let wanted = |standing: &Standing| {
                standing.at < oldest.end() && standing.at.saturating_add(NEAR) >= oldest.first
            };
            if self.bytes <= self.max_bytes && self.readers.iter().any(wanted) {
                break;
            }
            self.bytes -= oldest.bytes;
            gone.extend(self.frames.pop_front());
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::prepared::tests::built;

    fn add(recent: &mut Recent, first: Position, count: usize) -> Vec<RecentFrame> {
        let (frame, events) = built(first, count);
        recent.add(&frame, events)
    }

    #[test]
    fn a_frame_stays_until_all_near_readers_have_gone_over_it() {
        let mut recent = Recent::new(1_000_000);
        let (fast, slow) = (recent.enter(0), recent.enter(0));
        assert!(add(&mut recent, 0, 3).is_empty());
        assert!(add(&mut recent, 3, 3).is_empty());
        let (entries, gone) = recent.take(fast, 0, 100);
        assert_eq!((entries.len(), gone.len()), (6, 0));
        let (entries, gone) = recent.take(slow, 0, 2);
        assert_eq!((entries.len(), gone.len()), (2, 0));
        let (entries, gone) = recent.take(slow, 2, 2);
        assert_eq!(
            entries.iter().map(|entry| entry.position).collect::<Vec<_>>(),
            [2, 3]
        );
        assert_eq!(gone.len(), 1);
        assert_eq!(recent.leave(slow).len(), 1);
        assert_eq!(recent.bytes, 0);
    }

    #[test]
    fn whoever_is_far_behind_holds_nothing() {
        let mut recent = Recent::new(1_000_000);
        let (far, near) = (recent.enter(0), recent.enter(NEAR + 1));
        assert!(add(&mut recent, NEAR + 1, 2).is_empty());
        assert!(recent.take(far, 0, 9).0.is_empty());
        let (entries, gone) = recent.take(near, NEAR + 1, 9);
        assert_eq!((entries.len(), gone.len()), (2, 1));
        // Without readers nothing is kept, and not more than fits with them.
        recent.leave(near);
        assert_eq!(add(&mut recent, NEAR + 3, 2).len(), 1);
        let mut small = Recent::new(1);
        small.enter(0);
        assert_eq!(add(&mut small, 0, 2).len(), 1);
    }
}
