//! Events ready to be written, made where they come from: the writer runs on another core, to which each part of an event
//! that it looks at must be carried.

use std::sync::Arc;

use signalbox_core::{Event, Facts};
use xxhash_rust::xxh3::xxh3_64;

use super::frame::{ENTRY, FIXED, Head};
use super::pages::{BLOCK, Pages};
use crate::Position;
use crate::dedup::Id;
use crate::names::Names;

/// Bytes of a frame at most, if it is of more than one event: whoever wants one event reads a whole frame.
pub(super) const MOST: usize = 1 << 18;
/// Fewer bytes are copied into a frame with others, so that little of the last blocks is empty.
const ALONE: usize = 8 * BLOCK;

/// A frame of which only the writer knows where it goes, and what is wanted to make others of its parts.
#[derive(Default)]
pub(crate) struct Prepared {
    pub(crate) items: Vec<Item>,
    /// As many as there are items; those who keep them take them.
    pub(crate) events: Vec<Arc<Event>>,
    sources: Vec<(Arc<str>, u32)>,
    /// The key of each source for the lookup of ids, if one was renamed.
    #[expect(
        clippy::box_collection,
        reason = "seldom there, and what goes to the writer is moved about"
    )]
    keys: Option<Box<Vec<Arc<str>>>>,
    /// The ids, one after the other: the writer compares each, and here they are close together.
    ids: String,
    pages: Pages,
    /// Bytes of the frame.
    length: usize,
    arrivals: (i64, i64),
    /// The checksum of all but the head.
    body: u64,
}

/// What is written of an event.
pub(crate) struct Item {
    /// Names source and id for deduplication.
    pub(crate) fingerprint: u64,
    /// Bytes that the event takes in memory.
    pub(super) memory: usize,
    pub(super) received_at: i64,
    /// Which of the sources.
    source: usize,
    id_start: usize,
    /// Where its texts are in the frame.
    start: usize,
    pub(super) id: u32,
    pub(super) facts: u32,
    pub(super) payload: u32,
}

impl Item {
    /// Bytes it takes in a frame.
    pub(crate) fn size(&self) -> usize {
        ENTRY + self.text()
    }

    /// Of these id, facts and payload.
    pub(super) fn text(&self) -> usize {
        self.id as usize + self.facts as usize + self.payload as usize
    }

    /// What stands of it before all texts.
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

/// What the series wants to know of a frame.
pub(crate) struct Built {
    pub(crate) first: Position,
    /// How many events.
    pub(crate) count: usize,
    /// Bytes of it.
    pub(crate) length: u32,
    /// Bytes that the events take in memory.
    pub(crate) memory: u64,
    pub(crate) sources: Vec<(Arc<str>, u32)>,
    pub(crate) arrivals: (i64, i64),
}

impl Prepared {
    /// Events of more than 4 GiB do not exist: requests and files are bounded long before.
    pub(crate) fn new(events: Vec<Arc<Event>>, names: &Names) -> Prepared {
        let mut prepared = Prepared::default();
        let memory: usize = events.iter().map(|event| event.memory()).sum();
        // In memory an event takes about three times its text. If that is too little for once, the frame is copied.
        prepared.pages.begin(memory / 2 + FIXED + events.len() * ENTRY);
        prepared.items.reserve(events.len());
        let sources: Vec<usize> = events.iter().map(|event| prepared.source(event)).collect();
        if names.has_keys() {
            let keys = prepared
                .sources
                .iter()
                .map(|(source, _)| names.key(source).into());
            prepared.keys = Some(Box::new(keys.collect()));
        }
        let mut pages = std::mem::take(&mut prepared.pages);
        pages.add(|bytes| {
            let start = bytes.len();
            bytes.resize(start + FIXED, 0);
            write_sources(&prepared.sources, bytes);
            let mut entry = bytes.len();
            bytes.resize(entry + events.len() * ENTRY, 0);
            for (event, source) in events.iter().zip(sources) {
                let item = prepared.item(event, source, start, bytes);
                if let Some(to) = bytes.get_mut(entry..entry + ENTRY) {
                    to.copy_from_slice(&item.entry(source as u16));
                }
                entry += ENTRY;
                prepared.items.push(item);
            }
            prepared.length = bytes.len() - start;
            prepared.body = xxh3_64(bytes.get(start + FIXED..).unwrap_or_default());
        });
        prepared.pages = pages;
        let arrivals = || prepared.items.iter().map(|item| item.received_at);
        prepared.arrivals = (
            arrivals().min().unwrap_or_default(),
            arrivals().max().unwrap_or_default(),
        );
        prepared.events = events;
        prepared
    }

    /// Which of the sources an event is of; they seldom have more than one.
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
    fn item(&mut self, event: &Event, source: usize, frame: usize, bytes: &mut Vec<u8>) -> Item {
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
        Item {
            fingerprint: crate::dedup::fingerprint(self.key(source), id),
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

    /// Bytes all of it takes in a frame.
    pub(crate) fn size(&self) -> usize {
        self.length
    }

    /// What names one of them for deduplication.
    pub(crate) fn id(&self, item: &Item) -> Id<'_> {
        let end = item.id_start + item.id as usize;
        Id {
            fingerprint: item.fingerprint,
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

    pub(super) fn source_of(&self, item: &Item) -> Option<&Arc<str>> {
        self.sources.get(item.source).map(|(source, _)| source)
    }

    /// Id, facts and payload of one of them.
    pub(super) fn text(&self, item: &Item) -> &[u8] {
        let frame = self.pages.as_bytes();
        frame
            .get(item.start..item.start + item.text())
            .unwrap_or_default()
    }

    /// Whether its frame may be written as it is.
    pub(super) fn alone(&self) -> bool {
        (ALONE..=MOST).contains(&self.length) && self.pages.aligned()
    }

    /// Fills in where the events stand, when they are written, and what was acknowledged then.
    pub(super) fn place(&mut self, first: Position, written_at: u64, acknowledged: Position) -> Built {
        let head = Head {
            first,
            written_at,
            count: length(self.items.len()),
            length: length(self.length),
            arrivals: self.arrivals,
            acknowledged,
            fixed: FIXED,
            sources: self.sources.len() as u16,
            body: self.body,
        };
        self.pages.begin_with(&head.to_bytes());
        Built {
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
        self.pages.as_bytes()
    }

    /// Its frame alone.
    fn frame(mut self, first: Position) -> (Built, Vec<u8>) {
        let built = self.place(first, 0, 0);
        let frame = self.pages.as_bytes().get(..self.length);
        (built, frame.unwrap_or_default().to_vec())
    }
}

pub(super) fn length(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The sources of a frame, as they stand behind its head.
pub(super) fn write_sources(sources: &[(Arc<str>, u32)], bytes: &mut Vec<u8>) {
    for (name, count) in sources {
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&length(name.len()).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
    }
}

/// Encodes one event, for what is parked.
pub(crate) fn encode_one(event: &Arc<Event>, position: Position) -> Vec<u8> {
    Prepared::new(vec![event.clone()], &Names::default())
        .frame(position)
        .1
}

/// Encodes events as one frame; for tests and as a seed for fuzzing.
pub fn encode_frame(first: Position, events: Vec<Event>) -> Vec<u8> {
    Prepared::new(events.into_iter().map(Arc::new).collect(), &Names::default())
        .frame(first)
        .1
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::disk::frame::tests::sample;

    /// So many events.
    pub(crate) fn prepared(count: usize) -> Prepared {
        Prepared::new(
            sample().into_iter().cycle().take(count).map(Arc::new).collect(),
            &Names::default(),
        )
    }

    /// A frame of so many events, and these.
    pub(crate) fn built(first: Position, count: usize) -> (Built, Vec<Arc<Event>>) {
        let mut prepared = prepared(count);
        (prepared.place(first, 0, first), prepared.events)
    }
}
