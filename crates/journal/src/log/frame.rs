//! The frame: the encoded form of events that were appended together. The decoder is total: it takes any bytes, answers
//! in linear time, and accepts only bytes that an encoder wrote.
//!
//! All numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`], by which frames are found behind damage |
//! | 2, 2 | format version, length of the head |
//! | 4 | length of the frame |
//! | 8, 8 | position of the first event, moment of writing (Unix nanoseconds) |
//! | 4 | number of events |
//! | 8, 8 | earliest and latest arrival (Unix milliseconds) |
//! | 8 | position up to which everything was acknowledged when it was written |
//! | 2 | number of sources |
//! | 8 | XXH3 of everything after the head |
//! | 8 | XXH3 of the head, which ends here |
//! | per source: 4, 4, n | events of it, length of its name, name |
//! | per event: 2, 8, 4, 4, 4 | source, arrival, lengths of id, facts and payload |
//! | per event: n, n, n | `messageId`, facts as JSON (nothing if there are none), payload |
//!
//! Every later version keeps the first two lines, and the checksum at the end of the head: this tells a newer frame
//! from a damaged one. Version 2, which this program also reads, has the number of sources in place of the length of
//! the head, which is 68, and lacks the acknowledged position.
//!
//! The checksum of the events is made where they come from; the one that says where they stand is made when they get
//! there, by a thread that need not touch them.

use std::sync::Arc;

use signalbox_core::{Event, Receipt};
use xxhash_rust::xxh3::xxh3_64;

use super::bytes::{Bytes, Flaw, SHORT};
use crate::Position;

/// No text contains this: 0xF7 never occurs in UTF-8.
pub(crate) const MAGIC: [u8; 8] = *b"\xF7sbframe";
/// The version that is written.
pub(super) const VERSION: u16 = 3;
/// The head of that version, its checksums included.
pub(super) const FIXED: usize = 78;
/// The version that 0.1.0 wrote, and its head.
const OLD: (u16, usize) = (2, 68);
/// Bytes of the fixed-size entry of an event, which stands before all texts.
pub(super) const ENTRY: usize = 22;
const CHECKSUM: usize = 8;

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) first: Position,
    pub(crate) written_at: u64,
    pub(crate) count: u32,
    pub(crate) length: u32,
    pub(crate) arrivals: (i64, i64),
    /// Everything before was acknowledged when it was written; 0 if that is not known.
    pub(crate) acknowledged: Position,
    /// Bytes of the head.
    pub(super) fixed: usize,
    pub(super) sources: u16,
    /// The checksum of what follows.
    pub(super) body: u64,
}

impl Head {
    /// The position after its last event.
    pub(crate) fn end(&self) -> Position {
        self.first.saturating_add(u64::from(self.count))
    }

    /// Encodes the head.
    pub(super) fn to_bytes(self) -> [u8; FIXED] {
        let mut bytes = [0; FIXED];
        let mut rest = &mut bytes[..];
        let mut put = |value: &[u8]| {
            if let Some((to, after)) = std::mem::take(&mut rest).split_at_mut_checked(value.len()) {
                to.copy_from_slice(value);
                rest = after;
            }
        };
        put(&MAGIC);
        put(&VERSION.to_le_bytes());
        put(&(FIXED as u16).to_le_bytes());
        put(&self.length.to_le_bytes());
        put(&self.first.to_le_bytes());
        put(&self.written_at.to_le_bytes());
        put(&self.count.to_le_bytes());
        put(&self.arrivals.0.to_le_bytes());
        put(&self.arrivals.1.to_le_bytes());
        put(&self.acknowledged.to_le_bytes());
        put(&self.sources.to_le_bytes());
        put(&self.body.to_le_bytes());
        if let Some((head, checksum)) = bytes.split_last_chunk_mut::<CHECKSUM>() {
            *checksum = xxh3_64(head).to_le_bytes();
        }
        bytes
    }

    /// Reads it off the beginning of a frame.
    pub(crate) fn read(bytes: &[u8]) -> Result<Head, Flaw> {
        let (version, word) = start(bytes)?;
        let fixed = if version == OLD.0 { OLD.1 } else { word.into() };
        if !sealed(bytes, fixed) {
            return Err("the checksum of its head is wrong");
        }
        Head::parse(bytes)
    }

    /// Returns the format version of a frame with an intact head that this program does not read.
    pub(crate) fn newer(bytes: &[u8]) -> Option<u16> {
        let (version, word) = start(bytes).ok()?;
        let known = version == VERSION || version == OLD.0;
        (!known && (sealed(bytes, word.into()) || sealed(bytes, OLD.1))).then_some(version)
    }

    fn parse(bytes: &[u8]) -> Result<Head, Flaw> {
        let (version, word) = start(bytes)?;
        let old = version == OLD.0;
        let (fixed, mut sources) = if old { (OLD.1, word) } else { (FIXED, 0) };
        if !old && (version != VERSION || usize::from(word) != FIXED) {
            return Err("it is of an unknown format version");
        }
        let mut rest = Bytes(bytes.get(START..fixed).ok_or(SHORT)?);
        let length = rest.u32()?;
        let (first, written_at, count) = (rest.u64()?, rest.u64()?, rest.u32()?);
        let arrivals = (rest.i64()?, rest.i64()?);
        if count == 0 || first.checked_add(u64::from(count)).is_none() {
            return Err("its number of events is impossible");
        }
        let mut acknowledged = 0;
        if !old {
            (acknowledged, sources) = (rest.u64()?, rest.u16()?);
        }
        Ok(Head {
            first,
            written_at,
            count,
            length,
            arrivals,
            acknowledged,
            fixed,
            sources,
            body: rest.u64()?,
        })
    }
}

/// The bytes whose meaning is the same in each version.
const START: usize = 12;

/// Reads the format version of what may be a frame, and the number after it.
fn start(bytes: &[u8]) -> Result<(u16, u16), Flaw> {
    let mut rest = Bytes(bytes.get(..START).ok_or(SHORT)?);
    if rest.take(8)? != MAGIC {
        return Err("it does not start like a frame");
    }
    Ok((rest.u16()?, rest.u16()?))
}

/// True if a head of this length ends with its checksum.
fn sealed(bytes: &[u8], fixed: usize) -> bool {
    let head = bytes
        .get(..fixed)
        .and_then(|head| head.split_last_chunk::<CHECKSUM>());
    head.is_some_and(|(fields, checksum)| xxh3_64(fields) == u64::from_le_bytes(*checksum))
}

/// A frame whose checksums and lengths are right.
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
    /// Its texts as they lie there.
    #[cfg(test)]
    pub(super) fn text(&self) -> Vec<u8> {
        [self.id.as_bytes(), self.facts, self.payload].concat()
    }

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
        let head = Head::read(bytes)?;
        let body = bytes.get(head.fixed..).ok_or(SHORT)?;
        if xxh3_64(body) != head.body {
            return Err("its checksum is wrong");
        }
        Frame::open(head, body)
    }

    /// Decodes a frame without verifying its checksums.
    fn decode_unchecked(bytes: &'a [u8]) -> Result<Frame<'a>, Flaw> {
        let head = Head::parse(bytes)?;
        Frame::open(head, bytes.get(head.fixed..).ok_or(SHORT)?)
    }

    fn open(head: Head, body: &'a [u8]) -> Result<Frame<'a>, Flaw> {
        if head.length as usize != head.fixed + body.len() {
            return Err("its length is wrong");
        }
        let mut rest = Bytes(body);
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

/// Decodes a frame and parses its events, as reading does; for tests and fuzzing. `verify` is off to get past the
/// checksums, which no fuzzer guesses. Returns the events that parse with their positions.
///
/// # Errors
/// A sentence, if the bytes are no frame.
pub fn decode_frame(bytes: &[u8], verify: bool) -> Result<Vec<(Position, Event)>, &'static str> {
    let frame = if verify {
        Frame::decode(bytes)?
    } else {
        Frame::decode_unchecked(bytes)?
    };
    Ok(frame
        .events()
        .filter_map(|(position, raw)| Some((position, raw?.parse()?)))
        .collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use signalbox_core::LimitedDataProcessing;

    use super::*;
    use crate::log::encode::encode_frame;

    pub(crate) fn sample() -> Vec<Event> {
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

    /// Encodes the same events as a frame of 0.1.0.
    fn old(bytes: &[u8]) -> Vec<u8> {
        let head = Head::read(bytes).unwrap();
        let mut old = MAGIC.to_vec();
        old.extend_from_slice(&OLD.0.to_le_bytes());
        old.extend_from_slice(&head.sources.to_le_bytes());
        old.extend_from_slice(&(head.length - (FIXED - OLD.1) as u32).to_le_bytes());
        old.extend_from_slice(&bytes[16..52]);
        old.extend_from_slice(&head.body.to_le_bytes());
        old.extend_from_slice(&xxh3_64(&old).to_le_bytes());
        old.extend_from_slice(&bytes[FIXED..]);
        old
    }

    #[test]
    fn the_format_of_0_1_0_is_read() {
        let bytes = encode_frame(7, sample());
        let (new, old) = (decode_frame(&bytes, true).unwrap(), old(&bytes));
        let texts = |read: &[(Position, Event)]| -> Vec<_> {
            read.iter()
                .map(|(position, event)| (*position, event.to_json().to_string()))
                .collect()
        };
        assert_eq!(texts(&decode_frame(&old, true).unwrap()), texts(&new));
        for bit in 0..old.len() * 8 {
            let mut flipped = old.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_frame(&flipped, true).is_err());
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let bytes = encode_frame(7, sample());
        for (mut bytes, fixed) in [(bytes.clone(), FIXED), (old(&bytes), OLD.1)] {
            assert_eq!(Head::newer(&bytes), None);
            bytes[8] = 9;
            assert_eq!(Head::newer(&bytes), None, "a flipped bit");
            let checksum = xxh3_64(&bytes[..fixed - 8]).to_le_bytes();
            bytes[fixed - 8..fixed].copy_from_slice(&checksum);
            assert_eq!(Head::newer(&bytes), Some(9));
            assert!(decode_frame(&bytes, true).is_err());
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
