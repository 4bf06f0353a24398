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
//! Version 4 is a sealed frame. All after its head is encrypted, and its head has three more lines before the checksums:
//!
//! | bytes | what |
//! |---|---|
//! | 68 | the [wrapped](crate::seal::wrapped) key of the file: a copy, should the file's heading be damaged |
//! | 8 | counter of the file, the nonce |
//! | 16 | tag |
//!
//! Its associated data are the position in the file's name, the byte in the file at which the frame begins, and the head up
//! to the counter. The checksum is that of the encrypted bytes, so that damage and another key are different errors.
//!
//! The checksum of the events is made where they come from; the one that says where they stand is made when they get
//! there, by a thread that need not touch them.

use std::io;
use std::sync::Arc;

use signalbox_core::{Event, Receipt};
use twox_hash::XxHash3_64;

use super::bytes::{Bytes, Flaw, SHORT};
use super::file_key::{FileKey, WritingKey};
use crate::Position;
use crate::seal::cipher::{Sealed, TAG};
use crate::seal::wrapped::{self, Wrapped};

/// No text contains this: 0xF7 never occurs in UTF-8.
pub(crate) const MAGIC: [u8; 8] = *b"\xF7sbframe";
/// The newest version that is read.
pub(super) const NEWEST: u16 = SEALED.0;
/// The version that is written without a key.
const VERSION: u16 = 3;
/// The head of that version, its checksums included.
pub(super) const FIXED: usize = 78;
/// The version that 0.1.0 wrote, and its head.
const OLD: (u16, usize) = (2, 68);
/// The version of a sealed frame, and its head.
const SEALED: (u16, usize) = (4, FIXED + SEAL);
/// The bytes that sealing adds to a frame: all of them are in its head.
pub(super) const SEAL: usize = wrapped::LENGTH + 8 + TAG;
/// The bytes of a sealed frame's head that are associated data: all before the counter.
const COVERED: usize = FIXED - 2 * CHECKSUM + wrapped::LENGTH;
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
    /// The seal of a sealed frame.
    pub(super) seal: Option<Seal>,
    /// The checksum of what follows.
    pub(super) body: u64,
}

/// The seal in the head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal {
    /// The key of the file.
    pub(crate) wrapped: Wrapped,
    pub(super) sealed: Sealed,
}

impl Head {
    /// The position after its last event.
    pub(crate) fn end(&self) -> Position {
        self.first.saturating_add(u64::from(self.count))
    }

    /// Encodes the head of a frame that is not sealed.
    pub(super) fn to_bytes(self) -> [u8; FIXED] {
        self.write(VERSION)
    }

    fn write<const N: usize>(&self, version: u16) -> [u8; N] {
        let mut bytes = [0; N];
        let mut rest = &mut bytes[..];
        let mut put = |value: &[u8]| {
            if let Some((to, after)) = std::mem::take(&mut rest).split_at_mut_checked(value.len()) {
                to.copy_from_slice(value);
                rest = after;
            }
        };
        put(&MAGIC);
        put(&version.to_le_bytes());
        put(&(N as u16).to_le_bytes());
        put(&self.length.to_le_bytes());
        put(&self.first.to_le_bytes());
        put(&self.written_at.to_le_bytes());
        put(&self.count.to_le_bytes());
        put(&self.arrivals.0.to_le_bytes());
        put(&self.arrivals.1.to_le_bytes());
        put(&self.acknowledged.to_le_bytes());
        put(&self.sources.to_le_bytes());
        if let Some(Seal { wrapped, sealed }) = &self.seal {
            put(wrapped.as_bytes());
            put(&sealed.counter.to_le_bytes());
            put(&sealed.tag);
        }
        put(&self.body.to_le_bytes());
        if let Some((head, checksum)) = bytes.split_last_chunk_mut::<CHECKSUM>() {
            *checksum = XxHash3_64::oneshot(head).to_le_bytes();
        }
        bytes
    }

    /// Reads it off the beginning of a frame.
    pub(crate) fn read(bytes: &[u8]) -> Result<Head, Flaw> {
        let (version, word) = start(bytes)?;
        let fixed = if version == OLD.0 { OLD.1 } else { word.into() };
        if !intact(bytes, fixed) {
            return Err("the checksum of its head is wrong");
        }
        Head::parse(bytes)
    }

    /// Returns the format version of a frame with an intact head that this program does not read.
    pub(crate) fn newer(bytes: &[u8]) -> Option<u16> {
        let (version, word) = start(bytes).ok()?;
        let known = [VERSION, OLD.0, SEALED.0].contains(&version);
        (!known && (intact(bytes, word.into()) || intact(bytes, OLD.1))).then_some(version)
    }

    fn parse(bytes: &[u8]) -> Result<Head, Flaw> {
        let (version, word) = start(bytes)?;
        let old = version == OLD.0;
        let (fixed, mut sources) = match (version, usize::from(word)) {
            (2, _) => (OLD.1, word),
            (VERSION, FIXED) => (FIXED, 0),
            SEALED => (SEALED.1, 0),
            _ => return Err("it is of an unknown format version"),
        };
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
        let mut seal = None;
        if version == SEALED.0 {
            let wrapped = Wrapped::from_bytes(rest.array()?);
            let (counter, tag) = (rest.u64()?, rest.array()?);
            let sealed = Sealed { counter, tag };
            seal = Some(Seal { wrapped, sealed });
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
            seal,
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
fn intact(bytes: &[u8], fixed: usize) -> bool {
    let head = bytes
        .get(..fixed)
        .and_then(|head| head.split_last_chunk::<CHECKSUM>());
    head.is_some_and(|(fields, checksum)| XxHash3_64::oneshot(fields) == u64::from_le_bytes(*checksum))
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
    /// Checks and opens a frame that is not sealed.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Frame<'a>, Flaw> {
        let (head, body) = Frame::check(bytes)?;
        if head.seal.is_some() {
            return Err("it is sealed");
        }
        Frame::open(head, body)
    }

    /// Checks and opens a frame that begins at byte `at` of its file; decrypts it in place if it is sealed.
    pub(crate) fn decode_at(bytes: &'a mut [u8], key: &FileKey, at: u64) -> Result<Frame<'a>, Flaw> {
        let (head, _) = Frame::check(bytes)?;
        if let Some(seal) = &head.seal {
            let (front, body) = bytes.split_at_mut_checked(head.fixed).ok_or(SHORT)?;
            let aad = aad(key.first, at, front);
            key.open(&seal.wrapped, &seal.sealed, &aad, body)?;
        } else if key.sealed {
            return Err("it is not sealed, and its file is");
        }
        Frame::open(head, bytes.get(head.fixed..).ok_or(SHORT)?)
    }

    /// Verifies the checksums.
    fn check(bytes: &[u8]) -> Result<(Head, &[u8]), Flaw> {
        let head = Head::read(bytes)?;
        let body = bytes.get(head.fixed..).ok_or(SHORT)?;
        if XxHash3_64::oneshot(body) != head.body {
            return Err("its checksum is wrong");
        }
        Ok((head, body))
    }

    /// Decodes a frame without verifying its checksums.
    fn decode_unchecked(bytes: &'a [u8]) -> Result<Frame<'a>, Flaw> {
        let head = Head::parse(bytes)?;
        if head.seal.is_some() {
            return Err("it is sealed");
        }
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

/// Appends a frame to `to` in its sealed form, as it will stand at byte `at` of the file. The frame is as an encoder wrote
/// it, so its checksums are not verified.
pub(crate) fn seal(frame: &[u8], key: &mut WritingKey, at: u64, to: &mut Vec<u8>) -> io::Result<()> {
    let short = |flaw: Flaw| io::Error::other(flaw);
    let mut head = Head::parse(frame).map_err(short)?;
    let body = frame.get(head.fixed..).ok_or_else(|| short(SHORT))?;
    let start = to.len();
    to.resize(start + SEALED.1, 0);
    to.extend_from_slice(body);
    let written = to.get_mut(start..).unwrap_or_default();
    let (front, text) = written
        .split_at_mut_checked(SEALED.1)
        .ok_or_else(|| short(SHORT))?;
    head.length = u32::try_from(SEALED.1 + text.len()).unwrap_or(u32::MAX);
    let wrapped = key.wrapped;
    let seal = |sealed| Some(Seal { wrapped, sealed });
    // The associated data end before counter and tag.
    head.seal = seal(Sealed::default());
    let covered: [u8; SEALED.1] = head.write(SEALED.0);
    head.seal = seal(key.sealer.seal(&aad(key.first, at, &covered), text)?);
    head.body = XxHash3_64::oneshot(text);
    front.copy_from_slice(&head.write::<{ SEALED.1 }>(SEALED.0));
    Ok(())
}

/// The associated data of a frame with this head, at byte `at` of the file whose name has the position `file`.
fn aad(file: Position, at: u64, head: &[u8]) -> [u8; 16 + COVERED] {
    let mut aad = [0; 16 + COVERED];
    let (place, covered) = aad.split_at_mut(16);
    let (to_file, to_at) = place.split_at_mut(8);
    to_file.copy_from_slice(&file.to_le_bytes());
    to_at.copy_from_slice(&at.to_le_bytes());
    if let Some(head) = head.get(..COVERED) {
        covered.copy_from_slice(head);
    }
    aad
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
    use crate::seal::wrapped::tests::keys;

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
        old.extend_from_slice(&XxHash3_64::oneshot(&old).to_le_bytes());
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
        let sealed = sealed(&mut WritingKey::new(&keys(&[1]), 7).unwrap(), 0);
        for (mut bytes, fixed) in [(bytes.clone(), FIXED), (old(&bytes), OLD.1), (sealed, SEALED.1)] {
            assert_eq!(Head::newer(&bytes), None);
            bytes[8] = 9;
            assert_eq!(Head::newer(&bytes), None, "a flipped bit");
            let checksum = XxHash3_64::oneshot(&bytes[..fixed - 8]).to_le_bytes();
            bytes[fixed - 8..fixed].copy_from_slice(&checksum);
            assert_eq!(Head::newer(&bytes), Some(9));
            assert!(decode_frame(&bytes, true).is_err());
        }
    }

    /// Makes the sealed form of a frame, at byte `at` of the file that begins at position 7.
    fn sealed(key: &mut WritingKey, at: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        seal(&encode_frame(7, sample()), key, at, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_sealed_frame_is_read_in_its_place_with_its_key_and_nowhere_else() {
        let (one, two) = (keys(&[1]), keys(&[2]));
        let mut key = WritingKey::new(&one, 7).unwrap();
        let (bytes, again) = (sealed(&mut key, 4096), sealed(&mut key, 4096));
        let plain = encode_frame(7, sample());
        assert_eq!(bytes.len(), plain.len() + SEAL);
        assert_ne!(bytes[SEALED.1..], again[SEALED.1..], "no nonce is used twice");
        let flaw = |bytes: &[u8], file: &FileKey, at| {
            let mut bytes = bytes.to_vec();
            let frame = Frame::decode_at(&mut bytes, file, at)?;
            let texts: Vec<u8> = frame.events().flat_map(|(_, raw)| raw.unwrap().text()).collect();
            let wanted = Frame::decode(&plain).unwrap();
            let wanted: Vec<u8> = wanted.events().flat_map(|(_, raw)| raw.unwrap().text()).collect();
            assert_eq!(texts, wanted);
            assert_eq!(frame.sources, Frame::decode(&plain).unwrap().sources);
            Ok(())
        };
        let file = FileKey::new(Some(&one), 7, true);
        assert_eq!(flaw(&bytes, &file, 4096), Ok(()));
        assert_eq!(flaw(&again, &file, 4096), Ok(()));
        assert_eq!(
            flaw(&plain, &file, 4096),
            Err("it is not sealed, and its file is")
        );
        let older = FileKey::new(Some(&one), 7, false);
        assert_eq!(flaw(&plain, &older, 4096), Ok(()));
        let place = "it is undamaged, and was not sealed for this place of this file";
        let elsewhere = Err(place);
        assert_eq!(flaw(&bytes, &file, 8192), elsewhere);
        let other = Err("the key that stands in it was not wrapped for this file");
        assert_eq!(flaw(&bytes, &FileKey::new(Some(&one), 8, true), 4096), other);
        let unlisted = Err("it was sealed under a key that is not listed");
        assert_eq!(flaw(&bytes, &FileKey::new(Some(&two), 7, true), 4096), unlisted);
        let none = Err("it is sealed, and the journal has no key");
        assert_eq!(flaw(&bytes, &FileKey::new(None, 7, true), 4096), none);
        assert!(decode_frame(&bytes, true).is_err() && decode_frame(&bytes, false).is_err());
        // A head that tells another position, behind a right checksum.
        let mut moved = bytes.clone();
        moved[16] += 1;
        let checksum = XxHash3_64::oneshot(&moved[..SEALED.1 - 8]).to_le_bytes();
        moved[SEALED.1 - 8..SEALED.1].copy_from_slice(&checksum);
        assert_eq!(flaw(&moved, &file, 4096), elsewhere);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let told = flaw(&flipped, &file, 4096).unwrap_err();
            assert!(told != place, "damage is told from another key: bit {bit}");
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
