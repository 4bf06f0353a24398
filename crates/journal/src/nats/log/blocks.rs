//! The numbers of events by source, in blocks of frames. The newest blocks also hold the numbers of each frame, so that a
//! range that ends within a block is counted from memory; for older ones the caller reads the frames again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::marks::Marks;
use super::place;
use crate::Position;

/// Frames of a block.
pub(super) const FRAMES: u64 = 256;
/// The most blocks that hold the numbers of their frames, four bytes a frame.
const DETAILED: usize = 256;
/// The most blocks that are kept after their frames were purged, to tell a reader how much it lost.
const PURGED: usize = 10_000;

/// The facts about one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FrameFacts {
    pub(super) sequence: u64,
    pub(super) source: Arc<str>,
    /// Its events, duplicates included.
    pub(super) events: u16,
    /// The latest arrival of its events, Unix milliseconds.
    pub(super) arrival: i64,
    /// The moment at which the server stored it, Unix milliseconds.
    pub(super) stored: i64,
}

/// Counts of events, by the number of their source.
type BlockCounts = Vec<(u16, u32)>;

/// Counts of events, by source.
pub(super) type Counts = BTreeMap<Arc<str>, u64>;

#[derive(Debug, Default)]
struct Block {
    /// Without duplicates.
    counts: BlockCounts,
    arrival: i64,
    stored: i64,
    detail: Option<Detail>,
}

/// The frames of a block.
#[derive(Debug, Default)]
struct Detail {
    /// False while earlier frames of the block are missing.
    complete: bool,
    /// The frame in the block, the number of its source, and its events.
    frames: Vec<(u8, u16, u16)>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    sources: Vec<Arc<str>>,
    blocks: BTreeMap<u64, Block>,
    /// The blocks with details, in the order in which they got them.
    detailed: VecDeque<u64>,
}

/// Blocks as they are kept in the cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BlocksRecord {
    sources: Vec<String>,
    /// Number, counts, latest arrival and latest moment of storing of each block.
    blocks: Vec<(u64, BlockCounts, i64, i64)>,
}

impl Blocks {
    /// Adds a frame that is newer than all others; `duplicates` of its events are not counted.
    pub(super) fn add(&mut self, frame: &FrameFacts, duplicates: usize) {
        if frame.events == 0 {
            return;
        }
        let source = self.number(&frame.source);
        let number = frame.sequence / FRAMES;
        let fresh = !self.blocks.contains_key(&number);
        let block = self.blocks.entry(number).or_default();
        let count = u32::from(frame.events).saturating_sub(duplicates as u32);
        match block.counts.iter_mut().find(|(other, _)| *other == source) {
            Some((_, sum)) => *sum += count,
            None => block.counts.push((source, count)),
        }
        (block.arrival, block.stored) = if fresh {
            (frame.arrival, frame.stored)
        } else {
            (block.arrival.max(frame.arrival), block.stored.max(frame.stored))
        };
        if fresh {
            block.detail = Some(Detail {
                complete: true,
                frames: Vec::new(),
            });
            self.detailed.push_back(number);
        }
        if let Some(detail) = &mut block.detail {
            let at = (frame.sequence % FRAMES) as u8;
            detail.frames.push((at, source, frame.events));
        }
        self.shed(number);
    }

    /// Drops details beyond the limit, except those of a block.
    fn shed(&mut self, keep: u64) {
        while self.detailed.len() > DETAILED {
            let Some(oldest) = self.detailed.pop_front() else {
                break;
            };
            if oldest == keep {
                self.detailed.push_back(oldest);
                continue;
            }
            if let Some(block) = self.blocks.get_mut(&oldest) {
                block.detail = None;
            }
        }
    }

    fn number(&mut self, source: &Arc<str>) -> u16 {
        let found = self.sources.iter().position(|other| other == source);
        let number = found.unwrap_or_else(|| {
            self.sources.push(source.clone());
            self.sources.len() - 1
        });
        number as u16
    }

    /// Adds the events in `from..to` to `counts`, without duplicates. `end` is the position after the newest frame. Returns
    /// the number of the block whose frames are missing, with nothing added.
    pub(super) fn count(
        &self,
        marks: &Marks,
        (from, to): (Position, Position),
        end: Position,
        counts: &mut Counts,
    ) -> Result<(), u64> {
        let (from, to) = (from, to.min(end));
        if from >= to {
            return Ok(());
        }
        let (first, last) = (place::sequence(from) / FRAMES, place::sequence(to - 1) / FRAMES);
        let mut sums: BTreeMap<u16, u64> = BTreeMap::new();
        for (number, block) in self.blocks.range(first..=last) {
            let starts = place::start(number * FRAMES);
            let ends = place::start((number + 1) * FRAMES);
            if from <= starts && (ends <= to || to == end) {
                for (source, count) in &block.counts {
                    *sums.entry(*source).or_default() += u64::from(*count);
                }
                continue;
            }
            let detail = block.detail.as_ref().filter(|detail| detail.complete);
            let detail = detail.ok_or(*number)?;
            for (at, source, events) in &detail.frames {
                let sequence = number * FRAMES + u64::from(*at);
                let bound = |position: Position| {
                    let index = position.saturating_sub(place::start(sequence));
                    usize::try_from(index).map_or(usize::from(*events), |index| index.min((*events).into()))
                };
                let (low, high) = (bound(from), bound(to));
                let count = (high - low).saturating_sub(marks.count(sequence, low, high));
                *sums.entry(*source).or_default() += count as u64;
            }
        }
        for (source, count) in sums.into_iter().filter(|(_, count)| *count > 0) {
            if let Some(source) = self.sources.get(usize::from(source)) {
                *counts.entry(source.clone()).or_default() += count;
            }
        }
        Ok(())
    }

    /// Adds the events of all blocks that lie in `from..to`, even if only in part.
    pub(super) fn count_whole(&self, (from, to): (Position, Position), counts: &mut Counts) {
        let (first, last) = (
            place::sequence(from) / FRAMES,
            place::sequence(to.max(1) - 1) / FRAMES,
        );
        for (source, count) in self
            .blocks
            .range(first..=last)
            .flat_map(|(_, block)| &block.counts)
        {
            if let Some(source) = self.sources.get(usize::from(*source)) {
                *counts.entry(source.clone()).or_default() += u64::from(*count);
            }
        }
    }

    /// True if the frames of a block are there.
    pub(super) fn has_detail(&self, number: u64) -> bool {
        let block = self.blocks.get(&number);
        block.is_none_or(|block| block.detail.as_ref().is_some_and(|detail| detail.complete))
    }

    /// Begins to collect the frames of a block whose earlier ones [`Blocks::complete`] will bring.
    pub(super) fn begin_detail(&mut self, number: u64) {
        if let Some(block) = self.blocks.get_mut(&number) {
            block.detail = Some(Detail::default());
            self.detailed.retain(|other| *other != number);
            self.detailed.push_back(number);
            self.shed(number);
        }
    }

    /// Completes the frames of a block with the frames before [`Blocks::begin_detail`].
    pub(super) fn complete(&mut self, number: u64, frames: &[FrameFacts]) {
        let frames: Vec<(u8, u16, u16)> = frames
            .iter()
            .map(|frame| {
                let source = self.number(&frame.source);
                ((frame.sequence % FRAMES) as u8, source, frame.events)
            })
            .collect();
        let detail = self
            .blocks
            .get_mut(&number)
            .and_then(|block| block.detail.as_mut());
        if let Some(detail) = detail.filter(|detail| !detail.complete) {
            detail.frames.splice(0..0, frames);
            detail.complete = true;
        }
    }

    /// The first frame, at or after a sequence, of the first block with an event that arrived at or after a moment.
    pub(super) fn arrived(&self, since: i64, from: u64) -> Option<u64> {
        let mut blocks = self.blocks.range(from / FRAMES..);
        let found = blocks.find(|(_, block)| block.arrival >= since);
        found.map(|(number, _)| (number * FRAMES).max(from))
    }

    /// The first frame of the first block with a frame that was stored at or after a moment.
    pub(super) fn stored(&self, since: i64) -> Option<u64> {
        let found = self.blocks.iter().find(|(_, block)| block.stored >= since);
        found.map(|(number, _)| number * FRAMES)
    }

    /// Notes that all frames before a sequence are gone.
    pub(super) fn purge(&mut self, first: u64) {
        let gone = self.blocks.range(..first / FRAMES).count();
        for _ in PURGED..gone {
            self.blocks.pop_first();
        }
    }

    /// The record for the cache.
    pub(super) fn record(&self) -> BlocksRecord {
        let block =
            |(number, block): (&u64, &Block)| (*number, block.counts.clone(), block.arrival, block.stored);
        BlocksRecord {
            sources: self.sources.iter().map(|source| source.to_string()).collect(),
            blocks: self.blocks.iter().map(block).collect(),
        }
    }

    /// Takes a record of the cache.
    pub(super) fn from_record(record: BlocksRecord) -> Blocks {
        let block = |(number, counts, arrival, stored)| {
            let block = Block {
                counts,
                arrival,
                stored,
                detail: None,
            };
            (number, block)
        };
        Blocks {
            sources: record.sources.into_iter().map(Arc::from).collect(),
            blocks: record.blocks.into_iter().map(block).collect(),
            detailed: VecDeque::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(sequence: u64, source: &str, events: u16) -> FrameFacts {
        FrameFacts {
            sequence,
            source: source.into(),
            events,
            arrival: sequence as i64 * 10,
            stored: sequence as i64 * 10 + 5,
        }
    }

    /// Counts, and brings the frames of the blocks that lack them.
    fn count(
        blocks: &mut Blocks,
        marks: &Marks,
        frames: &[FrameFacts],
        span: (Position, Position),
        end: Position,
    ) -> Counts {
        loop {
            let mut counts = Counts::new();
            match blocks.count(marks, span, end, &mut counts) {
                Ok(()) => return counts,
                Err(number) => {
                    let of_block: Vec<FrameFacts> = frames
                        .iter()
                        .filter(|frame| frame.sequence / FRAMES == number)
                        .cloned()
                        .collect();
                    blocks.begin_detail(number);
                    blocks.complete(number, &of_block);
                }
            }
        }
    }

    proptest! {
        /// Counted in blocks, by frames, and after a restart, a range holds the events that it holds one by one.
        #[test]
        fn blocks_count_as_one_by_one_does(
            frames in proptest::collection::vec((1u64..40, 0usize..3, 1u16..6), 1..200),
            doubles in proptest::collection::vec((any::<prop::sample::Index>(), 0u16..6), 0..20),
            spans in proptest::collection::vec((0u64..9_000, 0u64..7, 0u64..9_000, 0u64..7), 1..8),
        ) {
            let (mut blocks, mut marks, mut sequence) = (Blocks::default(), Marks::default(), 0);
            let mut all = Vec::new();
            for (step, source, events) in frames {
                sequence += step;
                all.push(facts(sequence, ["a", "b", "c"][source], events));
            }
            for (which, index) in doubles {
                let frame = &all[which.index(all.len())];
                let mut there = marks.of(frame.sequence).to_vec();
                if index < frame.events && !there.contains(&index) {
                    there.push(index);
                    there.sort_unstable();
                    marks.set(frame.sequence, there);
                }
            }
            for frame in &all {
                blocks.add(frame, marks.of(frame.sequence).len());
            }
            let end = place::start(sequence + 1);
            let mut restarted = Blocks::from_record(blocks.record());
            for (a, i, b, j) in spans {
                let span = (a << 12 | i, b << 12 | j);
                let mut wanted = Counts::new();
                for frame in &all {
                    for index in 0..frame.events {
                        let at = place::position(frame.sequence, index.into());
                        if span.0 <= at && at < span.1 && !marks.of(frame.sequence).contains(&index) {
                            *wanted.entry(frame.source.clone()).or_default() += 1;
                        }
                    }
                }
                prop_assert_eq!(&count(&mut blocks, &marks, &all, span, end), &wanted);
                prop_assert_eq!(&count(&mut restarted, &marks, &all, span, end), &wanted);
            }
        }
    }

    #[test]
    fn times_are_found_by_the_block_and_old_details_go() {
        let mut blocks = Blocks::default();
        for sequence in 1..=FRAMES * (DETAILED as u64 + 3) {
            blocks.add(&facts(sequence, "a", 1), 0);
        }
        let detailed = blocks.blocks.values().filter(|block| block.detail.is_some());
        assert_eq!(detailed.count(), DETAILED);
        assert_eq!(blocks.arrived(0, 5), Some(5));
        assert_eq!(blocks.arrived(FRAMES as i64 * 10, 1), Some(FRAMES));
        assert_eq!(blocks.arrived(i64::MAX, 1), None);
        assert_eq!(
            blocks.stored(FRAMES as i64 * 10 + 6),
            Some(FRAMES),
            "down to the block"
        );
        blocks.purge(FRAMES * 2);
        let mut counts = Counts::new();
        assert_eq!(
            blocks.count(
                &Marks::default(),
                (0, place::start(FRAMES)),
                Position::MAX,
                &mut counts
            ),
            Ok(())
        );
        assert_eq!(
            counts.values().sum::<u64>(),
            FRAMES - 1,
            "what was purged is still counted"
        );
    }
}
