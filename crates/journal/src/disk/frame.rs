//! The frame: what one group commit writes. The decoder is total: whatever bytes it gets, it answers, in linear
//! time, and what it lets through is what was written.
//!
//! All numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`], by which frames are found in the ruins of a file |
//! | 2, 2 | format version, number of sources |
//! | 4 | length of the frame |
//! | 8, 8 | position of the first event, moment of writing (Unix nanoseconds) |
//! | 4 | number of events |
//! | 8, 8 | earliest and latest arrival (Unix milliseconds) |
//! | per source: 4, 4, n | events of it, length of its name, name |
//! | per event: 2, 8, 4, 4, 4 | source, arrival, lengths of id, facts and payload |
//! | per event: n, n, n | `messageId`, facts as JSON (nothing if there are none), payload |
//! | 8 | XXH3 of everything before |

use std::sync::Arc;

use signalbox_core::{Event, Facts, Receipt};
use xxhash_rust::xxh3::xxh3_64;

use crate::Position;
use crate::dedup::Id;

/// No text contains this: 0xF7 never occurs in UTF-8.
pub(crate) const MAGIC: [u8; 8] = *b"\xF7sbframe";
/// Frames of other versions are not read.
const VERSION: u16 = 1;
/// Up to and including the arrival times.
pub(crate) const FIXED: usize = 52;
const ENTRY: usize = 22;
const CHECKSUM: usize = 8;

/// Events ready to be written, made where they come from so that the writer only copies: it runs on another core, to
/// which each part of an event that it looks at must be carried.
#[derive(Default)]
pub(crate) struct Prepared {
    pub(crate) items: Vec<Item>,
    /// As many as there are items; those who keep them take them.
    pub(crate) events: Vec<Arc<Event>>,
    sources: Vec<Arc<str>>,
    /// The ids, one after the other.
    ids: String,
    /// Facts and payload of one event after the other.
    bytes: Vec<u8>,
}

/// What is written of an event.
pub(crate) struct Item {
    /// Names source and id for deduplication.
    pub(crate) fingerprint: u64,
    /// Bytes that the event takes in memory.
    memory: usize,
    received_at: i64,
    /// Which of the sources.
    source: usize,
    id_start: usize,
    start: usize,
    id: u32,
    facts: u32,
    payload: u32,
}

impl Item {
    /// Bytes it takes in a frame.
    pub(crate) fn size(&self) -> usize {
        ENTRY + self.id as usize + self.facts as usize + self.payload as usize
    }
}

impl Prepared {
    /// Events of more than 4 GiB do not exist: requests and files are bounded long before.
    pub(crate) fn new(events: Vec<Event>) -> Prepared {
        let mut prepared = Prepared::default();
        prepared.items.reserve(events.len());
        prepared.events.reserve(events.len());
        prepared
            .bytes
            .reserve(events.iter().map(Event::memory).sum::<usize>() / 3);
        for event in events {
            prepared.push(Arc::new(event));
        }
        prepared
    }

    pub(crate) fn push(&mut self, event: Arc<Event>) {
        let (receipt, id) = (event.receipt(), event.message_id());
        // They seldom have more than one.
        let same = |source: &Arc<str>| Arc::ptr_eq(source, &receipt.source) || *source == receipt.source;
        let source = self.sources.iter().position(same).unwrap_or_else(|| {
            self.sources.push(receipt.source.clone());
            self.sources.len() - 1
        });
        let fingerprint = crate::dedup::fingerprint(&receipt.source, id);
        let id_start = self.ids.len();
        self.ids.push_str(id);
        let id = length(id.len());
        let bytes = &mut self.bytes;
        let start = bytes.len();
        if *event.facts() != Facts::default() {
            // Facts are strings and lists: they cannot fail to be JSON.
            let _ = serde_json::to_writer(&mut *bytes, event.facts());
        }
        let facts = length(bytes.len() - start);
        event.write_to(bytes);
        let payload = length(bytes.len() - start) - facts;
        self.items.push(Item {
            fingerprint,
            memory: event.memory(),
            received_at: receipt.received_at,
            source,
            id_start,
            start,
            id,
            facts,
            payload,
        });
        self.events.push(event);
    }

    /// Bytes all of it takes in a frame.
    pub(crate) fn size(&self) -> usize {
        self.items.len() * ENTRY + self.ids.len() + self.bytes.len()
    }

    /// What names one of them for deduplication.
    pub(crate) fn id(&self, item: &Item) -> Id<'_> {
        Id {
            fingerprint: item.fingerprint,
            source: self.sources.get(item.source).map_or("", |source| source),
            id: self.message_id(item),
        }
    }

    fn message_id(&self, item: &Item) -> &str {
        let end = item.id_start + item.id as usize;
        self.ids.get(item.id_start..end).unwrap_or_default()
    }

    /// Facts and payload of one of them.
    fn text(&self, item: &Item) -> &[u8] {
        let end = item.start + (item.facts + item.payload) as usize;
        self.bytes.get(item.start..end).unwrap_or_default()
    }
}

fn length(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Collects events until a frame is full; their bytes are copied once, at the end.
#[derive(Default)]
pub(crate) struct Builder<'a> {
    sources: Vec<(Arc<str>, u32)>,
    /// Where its bytes are, and which of `sources` is its.
    items: Vec<(&'a Prepared, &'a Item, u16)>,
    texts: usize,
    arrivals: Option<(i64, i64)>,
}

/// An encoded frame and what the series wants to know of it.
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

impl<'a> Builder<'a> {
    /// Bytes of the frame so far.
    pub(crate) fn size(&self) -> usize {
        let names: usize = self.sources.iter().map(|(name, _)| 8 + name.len()).sum();
        FIXED + names + self.items.len() * ENTRY + self.texts + CHECKSUM
    }

    pub(crate) fn push(&mut self, prepared: &'a Prepared, item: &'a Item) {
        let Some(name) = prepared.sources.get(item.source) else {
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
        self.texts += item.size() - ENTRY;
        self.items.push((prepared, item, source as u16));
    }

    /// Writes what was collected behind `bytes`.
    pub(crate) fn finish(self, first: Position, written_at: u64, bytes: &mut Vec<u8>) -> Built {
        let (start, total) = (bytes.len(), self.size());
        let Builder {
            sources,
            items,
            arrivals,
            ..
        } = self;
        let arrivals = arrivals.unwrap_or_default();
        bytes.reserve(total);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(sources.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&length(total).to_le_bytes());
        bytes.extend_from_slice(&first.to_le_bytes());
        bytes.extend_from_slice(&written_at.to_le_bytes());
        bytes.extend_from_slice(&length(items.len()).to_le_bytes());
        bytes.extend_from_slice(&arrivals.0.to_le_bytes());
        bytes.extend_from_slice(&arrivals.1.to_le_bytes());
        for (name, count) in &sources {
            bytes.extend_from_slice(&count.to_le_bytes());
            bytes.extend_from_slice(&length(name.len()).to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
        }
        for (_, item, source) in &items {
            bytes.extend_from_slice(&source.to_le_bytes());
            bytes.extend_from_slice(&item.received_at.to_le_bytes());
            for length in [item.id, item.facts, item.payload] {
                bytes.extend_from_slice(&length.to_le_bytes());
            }
        }
        for (prepared, item, _) in &items {
            bytes.extend_from_slice(prepared.message_id(item).as_bytes());
            bytes.extend_from_slice(prepared.text(item));
        }
        let checksum = xxh3_64(bytes.get(start..).unwrap_or_default());
        bytes.extend_from_slice(&checksum.to_le_bytes());
        Built {
            first,
            count: items.len(),
            length: length(total),
            memory: items.iter().map(|(_, item, _)| item.memory as u64).sum(),
            sources,
            arrivals,
        }
    }
}

/// A frame of all that was prepared, alone.
fn alone(prepared: &Prepared, first: Position) -> (Built, Vec<u8>) {
    let (mut builder, mut bytes) = (Builder::default(), Vec::new());
    for item in &prepared.items {
        builder.push(prepared, item);
    }
    (builder.finish(first, 0, &mut bytes), bytes)
}

/// Encodes one event, for what is parked.
pub(crate) fn encode_one(event: &Arc<Event>, position: Position) -> Vec<u8> {
    let mut prepared = Prepared::default();
    prepared.push(event.clone());
    alone(&prepared, position).1
}

/// Why bytes are no frame.
pub(crate) type Flaw = &'static str;

/// What stands before the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) first: Position,
    pub(crate) written_at: u64,
    pub(crate) count: u32,
    pub(crate) length: u32,
    pub(crate) arrivals: (i64, i64),
    sources: u16,
}

impl Head {
    /// The position after its last event.
    pub(crate) fn end(&self) -> Position {
        self.first.saturating_add(u64::from(self.count))
    }

    /// Reads the fixed part, which proves nothing yet.
    pub(crate) fn peek(bytes: &[u8]) -> Result<Head, Flaw> {
        let mut rest = Bytes(bytes);
        if rest.take(8)? != MAGIC {
            return Err("it does not start like a frame");
        }
        if rest.u16()? != VERSION {
            return Err("it is of an unknown format version");
        }
        let sources = rest.u16()?;
        let length = rest.u32()?;
        let (first, written_at, count) = (rest.u64()?, rest.u64()?, rest.u32()?);
        let arrivals = (rest.i64()?, rest.i64()?);
        if count == 0 || first.checked_add(u64::from(count)).is_none() {
            return Err("its number of events is impossible");
        }
        Ok(Head {
            first,
            written_at,
            count,
            length,
            arrivals,
            sources,
        })
    }
}

/// A frame whose checksum and lengths are right.
pub(crate) struct Frame<'a> {
    pub(crate) head: Head,
    pub(crate) sources: Vec<(Arc<str>, u32)>,
    entries: Bytes<'a>,
    texts: Bytes<'a>,
}

/// One event as it lies in a frame.
pub(crate) struct Raw<'a> {
    pub(crate) source: Arc<str>,
    pub(crate) received_at: i64,
    pub(crate) id: &'a str,
    facts: &'a [u8],
    payload: &'a [u8],
}

impl Raw<'_> {
    /// Parses it. `None` if it is no event, which the checksum makes next to impossible.
    pub(crate) fn parse(&self) -> Option<Event> {
        let receipt = Receipt {
            source: self.source.clone(),
            received_at: self.received_at,
        };
        let mut event = Event::parse(std::str::from_utf8(self.payload).ok()?, receipt).ok()?;
        if !self.facts.is_empty() {
            *event.facts_mut() = serde_json::from_slice(self.facts).ok()?;
        }
        Some(event)
    }
}

impl<'a> Frame<'a> {
    /// Checks and opens a frame.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Frame<'a>, Flaw> {
        let Some((body, checksum)) = bytes.split_last_chunk::<CHECKSUM>() else {
            return Err(SHORT);
        };
        if xxh3_64(body) != u64::from_le_bytes(*checksum) {
            return Err("its checksum is wrong");
        }
        Frame::decode_body(body)
    }

    /// The same for bytes without a checksum.
    pub(crate) fn decode_body(body: &'a [u8]) -> Result<Frame<'a>, Flaw> {
        let head = Head::peek(body)?;
        if head.length as usize != body.len() + CHECKSUM {
            return Err("its length is wrong");
        }
        let mut rest = Bytes(body.get(FIXED..).ok_or(SHORT)?);
        let mut sources: Vec<(Arc<str>, u32)> = Vec::new();
        for _ in 0..head.sources {
            let count = rest.u32()?;
            let length = rest.u32()? as usize;
            let name = std::str::from_utf8(rest.take(length)?).map_err(|_| "a source's name is not text")?;
            sources.push((name.into(), count));
        }
        if sources.iter().map(|(_, count)| u64::from(*count)).sum::<u64>() != u64::from(head.count) {
            return Err("its counts do not add up");
        }
        let entries = Bytes(rest.take(head.count as usize * ENTRY)?);
        let frame = Frame {
            head,
            sources,
            entries,
            texts: rest,
        };
        let mut texts = 0usize;
        let mut check = Bytes(frame.entries.0);
        for _ in 0..head.count {
            if usize::from(check.u16()?) >= frame.sources.len() {
                return Err("an event's source is missing");
            }
            check.take(8)?;
            for _ in 0..3 {
                texts = texts.saturating_add(check.u32()? as usize);
            }
        }
        if texts != frame.texts.0.len() {
            return Err("its texts do not add up");
        }
        Ok(frame)
    }

    /// Its events with their positions; an event whose id is not text is `None`.
    pub(crate) fn events(&self) -> impl Iterator<Item = (Position, Option<Raw<'a>>)> {
        let (mut entries, mut texts) = (Bytes(self.entries.0), Bytes(self.texts.0));
        let sources: Vec<Arc<str>> = self.sources.iter().map(|(name, _)| name.clone()).collect();
        (self.head.first..self.head.end()).map(move |position| {
            let mut read = || -> Result<Option<Raw<'a>>, Flaw> {
                let source = usize::from(entries.u16()?);
                let received_at = entries.i64()?;
                let lengths = [entries.u32()?, entries.u32()?, entries.u32()?];
                let [id, facts, payload] = [
                    texts.take(lengths[0] as usize)?,
                    texts.take(lengths[1] as usize)?,
                    texts.take(lengths[2] as usize)?,
                ];
                let (Some(source), Ok(id)) = (sources.get(source), std::str::from_utf8(id)) else {
                    return Ok(None);
                };
                Ok(Some(Raw {
                    source: source.clone(),
                    received_at,
                    id,
                    facts,
                    payload,
                }))
            };
            (position, read().unwrap_or_default())
        })
    }
}

const SHORT: Flaw = "it is cut short";

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u16(&mut self) -> Result<u16, Flaw> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Flaw> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Flaw> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, Flaw> {
        self.array().map(i64::from_le_bytes)
    }
}

/// Decodes a frame and parses its events, as reading does; for tests and fuzzing. `verify` is off to get past the
/// checksum, which no fuzzer guesses; the last eight bytes are ignored then. Returns the events that parse with
/// their positions.
///
/// # Errors
/// A sentence, if the bytes are no frame.
pub fn decode_frame(bytes: &[u8], verify: bool) -> Result<Vec<(Position, Event)>, &'static str> {
    let frame = if verify {
        Frame::decode(bytes)?
    } else {
        Frame::decode_body(bytes.split_last_chunk::<CHECKSUM>().ok_or(SHORT)?.0)?
    };
    Ok(frame
        .events()
        .filter_map(|(position, raw)| Some((position, raw?.parse()?)))
        .collect())
}

/// Encodes events as one frame; for tests and as a seed for fuzzing.
pub fn encode_frame(first: Position, events: Vec<Event>) -> Vec<u8> {
    alone(&Prepared::new(events), first).1
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use signalbox_core::LimitedDataProcessing;

    use super::*;
    use crate::disk::cut::cut;
    use crate::disk::pages::Pages;

    /// A frame of so many events as it is written.
    pub(crate) fn pages(first: Position, count: usize) -> (Vec<Built>, Pages) {
        let (prepared, mut pages) = (
            Prepared::new(sample().into_iter().cycle().take(count).collect()),
            Pages::default(),
        );
        let kept: Vec<_> = prepared.items.iter().map(|item| (&prepared, item)).collect();
        (cut(&kept, first, 0, &mut pages), pages)
    }

    /// A frame of so many events.
    pub(crate) fn built(first: Position, count: usize) -> (Built, Vec<Arc<Event>>) {
        let events = sample().into_iter().cycle().take(count).collect();
        let prepared = Prepared::new(events);
        (alone(&prepared, first).0, prepared.events)
    }

    fn sample() -> Vec<Event> {
        let event = |source: &str, text: &str| {
            Event::parse(
                text,
                Receipt {
                    source: source.into(),
                    received_at: 17,
                },
            )
            .unwrap()
        };
        let mut second = event("b", r#"{"messageId":"2","x":12345678901234567890}"#);
        second.facts_mut().limited_data_processing = Some(LimitedDataProcessing {
            state: "CA".into(),
            country: "US".into(),
        });
        vec![
            event("a", r#"{"messageId":"1","name":"é"}"#),
            second,
            event("a", "{}"),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = encode_frame(7, sample());
        let read = decode_frame(&bytes, true).unwrap();
        assert_eq!(
            read.iter().map(|(position, _)| *position).collect::<Vec<_>>(),
            [7, 8, 9]
        );
        for ((_, read), written) in read.iter().zip(sample()) {
            assert_eq!(read.to_json(), written.to_json());
            assert_eq!(read.receipt(), written.receipt());
            assert_eq!(read.facts(), written.facts());
        }
    }

    #[test]
    fn no_cut_and_no_flipped_bit_passes() {
        let bytes = encode_frame(7, sample());
        for length in 0..bytes.len() {
            assert!(decode_frame(&bytes[..length], true).is_err());
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_frame(&flipped, true).is_err());
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(decode_frame(&bytes, true).is_err());
            let _ = decode_frame(&bytes, false);
        }

        #[test]
        fn changed_frames_behind_a_right_checksum_are_answered(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = encode_frame(7, sample());
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = decode_frame(&bytes, false);
            let _ = decode_frame(&bytes[..cut.index(bytes.len())], false);
        }
    }
}
