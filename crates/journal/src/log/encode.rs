//! Encodes an append as a frame, on the core where the append comes from. The writer thread runs on another core, and
//! each cache line of an event that it touches would have to travel there.

use std::sync::Arc;

use signalbox_core::{Event, Facts};
use twox_hash::XxHash3_64;

use super::aligned::{AlignedBuffer, BLOCK};
use super::frame::{ENTRY, FIXED, Head};
use crate::Position;
use crate::dedup::{Id, KeyedHash};
use crate::names::Names;
use crate::seal::id_key::IdKey;

/// Upper bound for a frame with more than one event, in bytes. Reading one event reads its whole frame.
pub(super) const MOST: usize = 1 << 18;
/// Smaller appends are copied into a frame with others, since the last block of a frame is padded.
const ALONE: usize = 8 * BLOCK;

/// An encoded append: a frame that lacks only its position, and the parts from which other frames can be made.
#[derive(Default)]
pub(crate) struct EncodedAppend {
    pub(crate) items: Vec<EncodedEvent>,
    /// Parallel to `items`; moved out by the tail cache.
    pub(crate) events: Vec<Arc<Event>>,
    sources: Vec<(Arc<str>, u32)>,
    /// The key of each source for the lookup of ids, if one was renamed.
    #[expect(
        clippy::box_collection,
        reason = "rarely present, and the whole struct is moved to the writer"
    )]
    keys: Option<Box<Vec<Arc<str>>>>,
    /// The ids, one after the other: the writer compares each of them, so they lie close together.
    ids: String,
    buffer: AlignedBuffer,
    /// Bytes of the frame.
    length: usize,
    arrivals: (i64, i64),
    /// The checksum of the frame without its head; 0 if the frame is to be sealed, whose checksum covers the sealed bytes.
    body: u64,
}

/// One encoded event of an append.
pub(crate) struct EncodedEvent {
    /// The fingerprint of source and id, for deduplication.
    pub(crate) fingerprint: u64,
    /// The keyed hash of both, in a sealed journal.
    hash: Option<KeyedHash>,
    /// Bytes that the event takes in memory.
    pub(super) memory: usize,
    pub(super) received_at: i64,
    /// The index of its source.
    source: usize,
    id_start: usize,
    /// The byte of the frame at which its texts begin.
    start: usize,
    pub(super) id: u32,
    pub(super) facts: u32,
    pub(super) payload: u32,
}

impl EncodedEvent {
    /// The bytes that it takes in a frame.
    pub(crate) fn size(&self) -> usize {
        ENTRY + self.text()
    }

    /// The total length of id, facts and payload.
    pub(super) fn text(&self) -> usize {
        self.id as usize + self.facts as usize + self.payload as usize
    }

    /// The fixed-size entry that stands before all texts.
    pub(super) fn entry(&self, source: u16) -> [u8; ENTRY] {
        let mut entry = [0; ENTRY];
        let (numbers, lengths) = entry.split_at_mut(10);
        let (which, at) = numbers.split_at_mut(2);
        which.copy_from_slice(&source.to_le_bytes());
        at.copy_from_slice(&self.received_at.to_le_bytes());
        for (to, length) in lengths
            .chunks_exact_mut(4)
            .zip([self.id, self.facts, self.payload])
        {
            to.copy_from_slice(&length.to_le_bytes());
        }
        entry
    }
}

/// The facts of a frame that the list of files records.
pub(crate) struct FrameInfo {
    pub(crate) first: Position,
    /// The number of events.
    pub(crate) count: usize,
    /// Bytes of the frame.
    pub(crate) length: u32,
    /// Bytes that the events take in memory.
    pub(crate) memory: u64,
    pub(crate) sources: Vec<(Arc<str>, u32)>,
    pub(crate) arrivals: (i64, i64),
}

impl EncodedAppend {
    /// Encodes events.
    pub(crate) fn new(events: Vec<Arc<Event>>, names: &Names) -> EncodedAppend {
        let mut encoded = EncodedAppend::without_checksum(events, names);
        let frame = encoded.buffer.as_bytes().get(FIXED..encoded.length);
        encoded.body = XxHash3_64::oneshot(frame.unwrap_or_default());
        encoded
    }

    /// Encodes events for a sealed journal, and hashes their ids.
    pub(crate) fn to_seal(events: Vec<Arc<Event>>, names: &Names, ids: &IdKey) -> EncodedAppend {
        let mut encoded = EncodedAppend::without_checksum(events, names);
        encoded.hash_ids(ids);
        encoded
    }

    /// Lengths fit in 32 bits: requests and files are bounded far below 4 GiB.
    fn without_checksum(events: Vec<Arc<Event>>, names: &Names) -> EncodedAppend {
        let mut encoded = EncodedAppend::default();
        let memory: usize = events.iter().map(|event| event.memory()).sum();
        // In memory an event takes about three times its text. Should that be too little, the frame is copied.
        encoded.buffer.begin(memory / 2 + FIXED + events.len() * ENTRY);
        encoded.items.reserve(events.len());
        let sources: Vec<usize> = events.iter().map(|event| encoded.source(event)).collect();
        if names.has_keys() {
            let keys = encoded.sources.iter().map(|(source, _)| names.key(source).into());
            encoded.keys = Some(Box::new(keys.collect()));
        }
        let mut buffer = std::mem::take(&mut encoded.buffer);
        buffer.add(|bytes| {
            let start = bytes.len();
            bytes.resize(start + FIXED, 0);
            write_sources(&encoded.sources, bytes);
            let mut entry = bytes.len();
            bytes.resize(entry + events.len() * ENTRY, 0);
            for (event, source) in events.iter().zip(sources) {
                let item = encoded.item(event, source, start, bytes);
                if let Some(to) = bytes.get_mut(entry..entry + ENTRY) {
                    to.copy_from_slice(&item.entry(source as u16));
                }
                entry += ENTRY;
                encoded.items.push(item);
            }
            encoded.length = bytes.len() - start;
        });
        encoded.buffer = buffer;
        let arrivals = || encoded.items.iter().map(|item| item.received_at);
        encoded.arrivals = (
            arrivals().min().unwrap_or_default(),
            arrivals().max().unwrap_or_default(),
        );
        encoded.events = events;
        encoded
    }

    /// Returns the index of an event's source; an append rarely has more than one.
    fn source(&mut self, event: &Event) -> usize {
        let source = &event.receipt().source;
        let same = |(other, _): &(Arc<str>, u32)| Arc::ptr_eq(other, source) || other == source;
        let which = self.sources.iter().position(same).unwrap_or_else(|| {
            self.sources.push((source.clone(), 0));
            self.sources.len() - 1
        });
        if let Some((_, count)) = self.sources.get_mut(which) {
            *count += 1;
        }
        which
    }

    /// Writes the texts of an event.
    fn item(&mut self, event: &Event, source: usize, frame: usize, bytes: &mut Vec<u8>) -> EncodedEvent {
        let (receipt, id) = (event.receipt(), event.message_id());
        let id_start = self.ids.len();
        self.ids.push_str(id);
        let start = bytes.len();
        bytes.extend_from_slice(id.as_bytes());
        let facts = bytes.len();
        if *event.facts() != Facts::default() {
            // Facts are strings and lists: they cannot fail to be JSON.
            let _ = serde_json::to_writer(&mut *bytes, event.facts());
        }
        let payload = bytes.len();
        event.write_to(bytes);
        EncodedEvent {
            fingerprint: crate::dedup::fingerprint(self.key(source), id),
            hash: None,
            memory: event.memory(),
            received_at: receipt.received_at,
            source,
            id_start,
            start: start - frame,
            id: length(id.len()),
            facts: length(payload - facts),
            payload: length(bytes.len() - payload),
        }
    }

    fn hash_ids(&mut self, ids: &IdKey) {
        let mut items = std::mem::take(&mut self.items);
        for item in &mut items {
            let id = self.id(item);
            item.hash = Some(ids.hash(id.source.as_bytes(), id.id.as_bytes()));
        }
        self.items = items;
    }

    /// The bytes that the whole append takes in a frame.
    pub(crate) fn size(&self) -> usize {
        self.length
    }

    /// The id of one of the events, for deduplication.
    pub(crate) fn id(&self, item: &EncodedEvent) -> Id<'_> {
        let end = item.id_start + item.id as usize;
        Id {
            fingerprint: item.fingerprint,
            hash: item.hash,
            source: self.key(item.source),
            id: self.ids.get(item.id_start..end).unwrap_or_default(),
        }
    }

    fn key(&self, source: usize) -> &str {
        match &self.keys {
            None => self.sources.get(source).map_or("", |(name, _)| name),
            Some(keys) => keys.get(source).map_or("", |key| key),
        }
    }

    pub(super) fn source_of(&self, item: &EncodedEvent) -> Option<&Arc<str>> {
        self.sources.get(item.source).map(|(source, _)| source)
    }

    /// The id, facts and payload of one of the events.
    pub(super) fn text(&self, item: &EncodedEvent) -> &[u8] {
        let frame = self.buffer.as_bytes();
        frame
            .get(item.start..item.start + item.text())
            .unwrap_or_default()
    }

    /// True if its frames are to be sealed: only then are the ids hashed.
    pub(super) fn is_for_sealing(&self) -> bool {
        self.items.first().is_some_and(|item| item.hash.is_some())
    }

    /// True if the frame may be written as it is.
    pub(super) fn alone(&self) -> bool {
        (ALONE..=MOST).contains(&self.length) && self.buffer.aligned()
    }

    /// Completes the head of the frame: the position of its events, the time of the write, and the acknowledged position.
    pub(super) fn place(&mut self, first: Position, written_at: u64, acknowledged: Position) -> FrameInfo {
        let head = Head {
            first,
            written_at,
            count: length(self.items.len()),
            length: length(self.length),
            arrivals: self.arrivals,
            acknowledged,
            fixed: FIXED,
            seal: None,
            sources: self.sources.len() as u16,
            body: self.body,
        };
        self.buffer.begin_with(&head.to_bytes());
        FrameInfo {
            first,
            count: self.items.len(),
            length: head.length,
            memory: self.items.iter().map(|item| item.memory as u64).sum(),
            sources: self.sources.clone(),
            arrivals: self.arrivals,
        }
    }

    /// The blocks of its frame.
    pub(super) fn blocks(&self) -> &[u8] {
        self.buffer.as_bytes()
    }

    /// Returns the frame without padding.
    pub(crate) fn into_frame(mut self, first: Position, written_at: u64) -> (FrameInfo, Vec<u8>) {
        let info = self.place(first, written_at, 0);
        let frame = self.buffer.as_bytes().get(..self.length);
        (info, frame.unwrap_or_default().to_vec())
    }
}

pub(super) fn length(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Writes the sources of a frame, which stand behind its head.
pub(super) fn write_sources(sources: &[(Arc<str>, u32)], bytes: &mut Vec<u8>) {
    for (name, count) in sources {
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&length(name.len()).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
    }
}

/// Encodes one event, for the table of parked events.
pub(crate) fn encode_one(event: &Arc<Event>, position: Position) -> Vec<u8> {
    EncodedAppend::new(vec![event.clone()], &Names::default())
        .into_frame(position, 0)
        .1
}

/// Encodes events as one frame; for tests and as a seed for fuzzing.
pub fn encode_frame(first: Position, events: Vec<Event>) -> Vec<u8> {
    EncodedAppend::new(events.into_iter().map(Arc::new).collect(), &Names::default())
        .into_frame(first, 0)
        .1
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::log::frame::tests::sample;

    /// Encodes an append of `count` events.
    pub(crate) fn encoded(count: usize) -> EncodedAppend {
        EncodedAppend::new(
            sample().into_iter().cycle().take(count).map(Arc::new).collect(),
            &Names::default(),
        )
    }

    /// Makes the facts of a frame with `count` events, and these events.
    pub(crate) fn frame_info(first: Position, count: usize) -> (FrameInfo, Vec<Arc<Event>>) {
        let mut encoded = encoded(count);
        (encoded.place(first, 0, first), encoded.events)
    }
}
