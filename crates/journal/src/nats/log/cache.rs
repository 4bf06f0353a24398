//! The newest frames that were read or appended here, parsed. Sinks that keep pace share them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use signalbox_core::Event;

/// The events of a frame, by index; `None` for one that does not parse.
pub(super) type FrameEvents = Arc<[Option<Arc<Event>>]>;

/// Frames by their sequence, at most `max_bytes` of events.
pub(super) struct FrameCache {
    frames: HashMap<u64, (FrameEvents, u64)>,
    in_order: VecDeque<u64>,
    bytes: u64,
    max_bytes: u64,
}

impl FrameCache {
    pub(super) fn new(max_bytes: u64) -> FrameCache {
        FrameCache {
            frames: HashMap::new(),
            in_order: VecDeque::new(),
            bytes: 0,
            max_bytes,
        }
    }

    #[cfg(test)]
    pub(super) fn clear(&mut self) {
        *self = FrameCache::new(self.max_bytes);
    }

    pub(super) fn get(&self, sequence: u64) -> Option<FrameEvents> {
        self.frames.get(&sequence).map(|(events, _)| events.clone())
    }

    /// Adds a frame. Returns the frames that leave the cache, so that the caller frees them after releasing the lock.
    #[must_use]
    pub(super) fn add(&mut self, sequence: u64, events: FrameEvents) -> Vec<FrameEvents> {
        let bytes = memory(&events);
        let mut gone = Vec::new();
        if let Some((old, size)) = self.frames.insert(sequence, (events, bytes)) {
            self.bytes -= size;
            gone.push(old);
        } else {
            self.in_order.push_back(sequence);
        }
        self.bytes += bytes;
        while self.bytes > self.max_bytes
            && let Some(oldest) = self.in_order.pop_front()
        {
            if let Some((events, size)) = self.frames.remove(&oldest) {
                self.bytes -= size;
                gone.push(events);
            }
        }
        gone
    }
}

/// Bytes that events take in memory.
pub(super) fn memory(events: &[Option<Arc<Event>>]) -> u64 {
    events.iter().flatten().map(|event| event.memory() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::frame::tests::sample;

    #[test]
    fn the_oldest_frames_leave_when_there_is_no_room() {
        let frame = || -> FrameEvents { sample().into_iter().map(|event| Some(Arc::new(event))).collect() };
        let mut cache = FrameCache::new(memory(&frame()) * 2);
        assert!(cache.add(1, frame()).is_empty() && cache.add(2, frame()).is_empty());
        assert_eq!(cache.add(2, frame()).len(), 1, "the same frame again");
        assert_eq!(cache.add(5, frame()).len(), 1);
        assert!(cache.get(1).is_none() && cache.get(2).is_some() && cache.get(5).is_some());
        let mut none = FrameCache::new(0);
        assert_eq!(none.add(1, frame()).len(), 1);
    }
}
