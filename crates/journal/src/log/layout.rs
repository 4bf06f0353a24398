//! Splits a commit into frames. Few frames are cheaper than many, and an append written as it came is cheapest of all.

use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

use twox_hash::XxHash3_64;

use super::aligned::{AlignedBuffer, BLOCK};
use super::encode::{EncodedAppend, EncodedEvent, FrameInfo, MOST, length, write_sources};
use super::frame::{ENTRY, FIXED, Head};
use crate::Position;

/// The events of an append that are written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    All,
    /// The events with these indices.
    Some(Vec<usize>),
}

impl Kept {
    /// The events themselves.
    pub(crate) fn items<'a>(&self, encoded: &'a EncodedAppend) -> impl Iterator<Item = &'a EncodedEvent> {
        let (all, some) = match self {
            Kept::All => (Some(&encoded.items), None),
            Kept::Some(some) => (None, Some(some.iter())),
        };
        let some = some.into_iter().flatten();
        all.into_iter()
            .flatten()
            .chain(some.filter_map(|i| encoded.items.get(*i)))
    }
}

/// Frames, one after the other.
pub(crate) struct Layout<'a> {
    pub(crate) frames: Vec<FrameInfo>,
    /// The bytes to write; each part begins and ends at a block.
    pub(super) parts: Vec<IoSlice<'a>>,
}

/// A frame of the plan.
enum Part<'a> {
    Ready(&'a EncodedAppend),
    Copied(Builder<'a>),
}

/// Makes frames of the kept events of some appends, which get positions from `first` on; everything before `first` is
/// acknowledged. Events that cannot be written as they came are copied to `buffer`.
pub(crate) fn lay_out<'a>(
    appends: &'a mut [EncodedAppend],
    kept: &[Kept],
    first: Position,
    written_at: u64,
    buffer: &'a mut AlignedBuffer,
) -> Layout<'a> {
    let mut next = first;
    let mut ready = Vec::with_capacity(appends.len());
    for (encoded, kept) in appends.iter_mut().zip(kept) {
        let whole = *kept == Kept::All && encoded.alone();
        ready.push(whole.then(|| encoded.place(next, written_at, first)));
        next += match kept {
            Kept::All => encoded.items.len() as u64,
            Kept::Some(some) => some.len() as u64,
        };
    }
    let mut plan: Vec<(Part<'a>, Option<FrameInfo>)> = Vec::with_capacity(appends.len());
    for ((encoded, kept), ready) in appends.iter().zip(kept).zip(ready) {
        if ready.is_some() {
            plan.push((Part::Ready(encoded), ready));
            continue;
        }
        for item in kept.items(encoded) {
            match plan.last_mut() {
                Some((Part::Copied(builder), _)) if builder.size() + item.size() <= MOST => {
                    builder.push(encoded, item);
                }
                _ => {
                    let mut builder = Builder::default();
                    builder.push(encoded, item);
                    plan.push((Part::Copied(builder), None));
                }
            }
        }
    }
    let copied = plan.iter().map(|(part, _)| match part {
        Part::Ready(_) => 0,
        Part::Copied(builder) => builder.size().next_multiple_of(BLOCK),
    });
    buffer.begin(copied.sum());
    let (mut next, mut frames, mut places) = (first, Vec::new(), Vec::new());
    for (part, ready) in plan {
        let (frame, place) = match (part, ready) {
            (Part::Ready(encoded), Some(frame)) => (frame, Blocks::Ready(encoded.blocks())),
            (Part::Copied(builder), _) => {
                let start = buffer.as_bytes().len();
                let frame = buffer.add(|bytes| builder.finish(next, written_at, first, bytes));
                (frame, Blocks::Copied(start..buffer.as_bytes().len()))
            }
            (Part::Ready(_), None) => continue,
        };
        next += frame.count as u64;
        frames.push(frame);
        places.push(place);
    }
    let copied: &'a [u8] = buffer.as_bytes();
    let parts = places.into_iter().map(|place| match place {
        Blocks::Ready(blocks) => IoSlice::new(blocks),
        Blocks::Copied(range) => IoSlice::new(copied.get(range).unwrap_or_default()),
    });
    let parts = parts.collect();
    Layout { frames, parts }
}

/// The blocks of a frame.
enum Blocks<'a> {
    Ready(&'a [u8]),
    Copied(Range<usize>),
}

/// Collects events for a frame; their bytes are copied once, at the end.
#[derive(Default)]
struct Builder<'a> {
    sources: Vec<(Arc<str>, u32)>,
    /// The append and event that hold the bytes, and the index in `sources`.
    items: Vec<(&'a EncodedAppend, &'a EncodedEvent, u16)>,
    texts: usize,
    arrivals: Option<(i64, i64)>,
}

impl<'a> Builder<'a> {
    /// Bytes of the frame so far.
    fn size(&self) -> usize {
        let names: usize = self.sources.iter().map(|(name, _)| 8 + name.len()).sum();
        FIXED + names + self.items.len() * ENTRY + self.texts
    }

    fn push(&mut self, encoded: &'a EncodedAppend, item: &'a EncodedEvent) {
        let Some(name) = encoded.source_of(item) else {
            return;
        };
        let same = |(source, _): &(Arc<str>, u32)| Arc::ptr_eq(source, name) || source == name;
        let source = self.sources.iter().position(same).unwrap_or_else(|| {
            self.sources.push((name.clone(), 0));
            self.sources.len() - 1
        });
        if let Some((_, count)) = self.sources.get_mut(source) {
            *count += 1;
        }
        let at = item.received_at;
        self.arrivals = Some(
            self.arrivals
                .map_or((at, at), |(min, max)| (min.min(at), max.max(at))),
        );
        self.texts += item.text();
        self.items.push((encoded, item, source as u16));
    }

    /// Appends the collected events to `bytes` as one frame.
    fn finish(
        self,
        first: Position,
        written_at: u64,
        acknowledged: Position,
        bytes: &mut Vec<u8>,
    ) -> FrameInfo {
        let (start, total) = (bytes.len(), self.size());
        let Builder {
            sources,
            items,
            arrivals,
            ..
        } = self;
        bytes.reserve(total);
        bytes.resize(start + FIXED, 0);
        write_sources(&sources, bytes);
        for (_, item, source) in &items {
            bytes.extend_from_slice(&item.entry(*source));
        }
        for (encoded, item, _) in &items {
            bytes.extend_from_slice(encoded.text(item));
        }
        let is_for_sealing = items.iter().any(|(encoded, ..)| encoded.is_for_sealing());
        let body = match bytes.get(start + FIXED..) {
            Some(body) if !is_for_sealing => XxHash3_64::oneshot(body),
            _ => 0,
        };
        let head = Head {
            first,
            written_at,
            count: length(items.len()),
            length: length(total),
            arrivals: arrivals.unwrap_or_default(),
            acknowledged,
            fixed: FIXED,
            seal: None,
            sources: sources.len() as u16,
            body,
        };
        if let Some(to) = bytes.get_mut(start..start + FIXED) {
            to.copy_from_slice(&head.to_bytes());
        }
        FrameInfo {
            first,
            count: items.len(),
            length: head.length,
            memory: items.iter().map(|(_, item, _)| item.memory as u64).sum(),
            sources,
            arrivals: head.arrivals,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::encode::tests::encoded;
    use crate::log::frame::Frame;

    proptest! {
        /// However appends are laid out, their events stand where they should, and nothing lies outside a frame.
        #[test]
        fn what_is_kept_is_written_in_order(
            appends in proptest::collection::vec((1..1500usize, any::<bool>(), 1..7usize), 1..6),
        ) {
            let mut all: Vec<EncodedAppend> = appends.iter().map(|(count, ..)| encoded(*count)).collect();
            let kept: Vec<Kept> = appends.iter().map(|(count, whole, step)| {
                if *whole { Kept::All } else { Kept::Some((0..*count).step_by(*step).collect()) }
            }).collect();
            let wanted: Vec<Vec<u8>> = all.iter().zip(&kept)
                .flat_map(|(encoded, kept)| kept.items(encoded).map(|item| encoded.text(item).to_vec()))
                .collect();
            let mut buffer = AlignedBuffer::default();
            let Layout { frames, parts } = lay_out(&mut all, &kept, 7, 1, &mut buffer);
            let mut written: Vec<u8> = Vec::new();
            for part in &parts {
                prop_assert_eq!(part.as_ptr().align_offset(BLOCK), 0);
                prop_assert_eq!(part.len() % BLOCK, 0);
                written.extend_from_slice(part);
            }
            let (mut rest, mut next, mut found) = (&written[..], 7, Vec::new());
            for info in &frames {
                let (frame, after) = rest.split_at((info.length as usize).next_multiple_of(BLOCK));
                let frame = Frame::decode(&frame[..info.length as usize]).unwrap();
                prop_assert_eq!((info.first, frame.head.first, frame.head.acknowledged), (next, next, 7));
                prop_assert_eq!((info.count, info.arrivals), (frame.head.count as usize, frame.head.arrivals));
                prop_assert_eq!(&info.sources, &frame.sources);
                prop_assert!(info.length as usize <= MOST);
                for (_, raw) in frame.events() {
                    found.push(raw.unwrap().text());
                }
                (rest, next) = (after, frame.head.end());
            }
            prop_assert!(rest.is_empty());
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_large_append_is_written_as_it_came_and_small_ones_share_a_frame() {
        let mut all = vec![encoded(10), encoded(1000), encoded(10), encoded(10)];
        let kept = [Kept::All, Kept::All, Kept::All, Kept::Some(vec![3])];
        let ready = all[1].blocks().as_ptr();
        let mut buffer = AlignedBuffer::default();
        let Layout { frames, parts } = lay_out(&mut all, &kept, 0, 1, &mut buffer);
        assert_eq!(
            frames.iter().map(|frame| frame.count).collect::<Vec<_>>(),
            [10, 1000, 11]
        );
        assert_eq!(parts[1].as_ptr(), ready);
    }
}
