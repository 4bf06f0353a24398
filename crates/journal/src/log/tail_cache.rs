//! A cache of the newest events, as they were appended. Sinks that keep pace neither read the disk nor parse.
//!
//! A frame stays until every near reader has passed it, as long as all frames fit in the bounds. Memory then grows only
//! with the lag of sinks, and events are freed while they are still in the processor's cache.

use std::collections::VecDeque;
use std::sync::Arc;

use signalbox_core::Event;

use super::encode::FrameInfo;
use crate::{Entry, Position};

/// The most events that a reader may be behind a frame for the frame to be kept for it. A reader that is further behind
/// (its destination is down) reads from the disk anyway.
const NEAR: u64 = 10_000;

pub(crate) struct TailCache {
    frames: VecDeque<CachedFrame>,
    bytes: u64,
    max_bytes: u64,
    readers: Vec<ReaderPosition>,
    next_reader: u64,
}

/// The position of one reader.
struct ReaderPosition {
    reader: u64,
    at: Position,
}

pub(crate) struct CachedFrame {
    first: Position,
    events: Vec<Arc<Event>>,
    bytes: u64,
}

impl CachedFrame {
    fn end(&self) -> Position {
        self.first + self.events.len() as u64
    }
}

impl TailCache {
    pub(crate) fn new(max_bytes: u64) -> TailCache {
        TailCache {
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
        self.readers.push(ReaderPosition { reader, at });
        reader
    }

    /// Removes a reader. Frames that no reader needs are returned, here and below, so that the caller frees them after
    /// releasing the lock.
    pub(crate) fn leave(&mut self, reader: u64) -> Vec<CachedFrame> {
        self.readers.retain(|standing| standing.reader != reader);
        self.sweep()
    }

    /// Adds a frame's events.
    pub(crate) fn add(&mut self, frame: &FrameInfo, events: Vec<Arc<Event>>) -> Vec<CachedFrame> {
        self.bytes += frame.memory;
        self.frames.push_back(CachedFrame {
            first: frame.first,
            events,
            bytes: frame.memory,
        });
        self.sweep()
    }

    /// Returns at most `max` events from a position on, for a reader that stands there; none if the position is not cached.
    pub(crate) fn take(&mut self, reader: u64, from: Position, max: usize) -> (Vec<Entry>, Vec<CachedFrame>) {
        let entries = self.from(from, max);
        let at = entries.last().map_or(from, |entry| entry.position + 1);
        if let Some(standing) = self.readers.iter_mut().find(|standing| standing.reader == reader) {
            standing.at = at;
        }
        (entries, self.sweep())
    }

    /// The event at a position, if it is cached.
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

    fn sweep(&mut self) -> Vec<CachedFrame> {
        let mut gone = Vec::new();
        while let Some(oldest) = self.frames.front() {
            let wanted = |standing: &ReaderPosition| {
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
    use crate::log::encode::tests::frame_info;

    fn add(recent: &mut TailCache, first: Position, count: usize) -> Vec<CachedFrame> {
        let (frame, events) = frame_info(first, count);
        recent.add(&frame, events)
    }

    #[test]
    fn a_frame_stays_until_all_near_readers_have_gone_over_it() {
        let mut recent = TailCache::new(1_000_000);
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
        let mut recent = TailCache::new(1_000_000);
        let (far, near) = (recent.enter(0), recent.enter(NEAR + 1));
        assert!(add(&mut recent, NEAR + 1, 2).is_empty());
        assert!(recent.take(far, 0, 9).0.is_empty());
        let (entries, gone) = recent.take(near, NEAR + 1, 9);
        assert_eq!((entries.len(), gone.len()), (2, 1));
        // Without readers nothing is kept, and not more than fits with them.
        recent.leave(near);
        assert_eq!(add(&mut recent, NEAR + 3, 2).len(), 1);
        let mut small = TailCache::new(1);
        small.enter(0);
        assert_eq!(add(&mut small, 0, 2).len(), 1);
    }
}
