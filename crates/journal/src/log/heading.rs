//! The heading of a file of frames: it records where every sink stood when the file was begun. If the state is
//! lost, sinks then lose only their progress since the newest file was begun, and not all of it.
//!
//! All numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`] |
//! | 2, 2 | format version, length of all up to the text |
//! | 4 | length of the text |
//! | 8 | position of the file's first event |
//! | 8 | XXH3 of the text |
//! | 68 | version 2, of a sealed file: the [wrapped](crate::seal::wrapped) key of its frames |
//! | 136 | version 2: copies of the state key and the id key of `keys.bin` |
//! | 8 | XXH3 of all before, which ends the fixed part |
//! | n | the text: a [`Heading`] as JSON, filled up with zeros to the next block |
//!
//! Every later version keeps the first two lines, and a checksum at the end of the fixed part: this tells a newer
//! heading from a damaged one. The text is never encrypted: it holds names from the pipeline file, positions and counts.
//! Files with frames of format 2 have no heading and begin with their first frame.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use super::aligned::BLOCK;
use super::bytes::fixed_part;
use crate::erasures::ErasureMark;
use crate::names::Names;
use crate::panic_guard::{Trouble, delivered, io, newer};
use crate::seal::keys_file::WrappedKeys;
use crate::seal::wrapped::{LENGTH, Wrapped};
use crate::sink_record::SinkRecord;
use crate::{Position, SourceTotals};

/// No text contains this: 0xF7 never occurs in UTF-8.
const MAGIC: [u8; 8] = *b"\xF7sbfiles";
/// The version of a file that is not sealed, and the length of its fixed part, before the text.
const PLAIN: (u16, u16) = (1, 40);
/// The version of a sealed file, and the length of its fixed part.
const SEALED: (u16, u16) = (2, PLAIN.1 + 3 * LENGTH as u16);

/// The facts that were true when a file was begun.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heading {
    /// The sinks, by name.
    #[serde(default)]
    pub(crate) sinks: BTreeMap<String, SinkStanding>,
    /// The number of events journalled before the file, by source, over all time.
    #[serde(default)]
    pub(crate) journalled: BTreeMap<String, u64>,
    /// The other counts of sources.
    #[serde(default)]
    pub(crate) sources: BTreeMap<String, SourceTotals>,
    /// The sources' names and keys, under which the ids of all events of the file were known.
    #[serde(default)]
    pub(crate) names: Names,
    /// The mark of the list of erasures; `None` without any, and in files of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) erasures: Option<ErasureMark>,
}

/// The progress of one sink.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SinkStanding {
    /// The sink's record in the state, without the history of single events.
    pub(crate) record: SinkRecord,
    /// The number of parked events; only the state holds the events.
    #[serde(default)]
    pub(crate) parked: u64,
}

/// The wrapped keys in the heading of a sealed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seals {
    /// The key of the file's frames.
    pub(crate) frames: Wrapped,
    /// A copy of the journal's other keys.
    pub(crate) journal: WrappedKeys,
}

/// A heading read from a file.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) first: Position,
    pub(super) heading: Heading,
    /// The keys, if the file is sealed.
    pub(super) seals: Option<Seals>,
    /// The blocks before the first frame.
    pub(super) blocks: u32,
}

impl Heading {
    /// Encodes the heading and fills it up to whole blocks.
    pub(super) fn to_bytes(&self, first: Position, seals: Option<&Seals>) -> Vec<u8> {
        // This cannot fail: the heading holds only strings, numbers, and lists of them.
        let text = serde_json::to_vec(self).unwrap_or_default();
        let (version, fixed) = if seals.is_some() { SEALED } else { PLAIN };
        let mut bytes = Vec::with_capacity((usize::from(fixed) + text.len()).next_multiple_of(BLOCK));
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&version.to_le_bytes());
        bytes.extend_from_slice(&fixed.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&first.to_le_bytes());
        bytes.extend_from_slice(&XxHash3_64::oneshot(&text).to_le_bytes());
        if let Some(Seals { frames, journal }) = seals {
            for wrapped in [frames, &journal.state, &journal.ids] {
                bytes.extend_from_slice(wrapped.as_bytes());
            }
        }
        bytes.extend_from_slice(&XxHash3_64::oneshot(&bytes).to_le_bytes());
        bytes.extend_from_slice(&text);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    /// Reads the heading of a file; `None` if the file has none, or one that cannot be read.
    pub(super) fn read(file: &File) -> Result<Option<Read>, Trouble> {
        let size = file.metadata().map_err(|error| io(&error))?.len();
        let mut block = [0; BLOCK];
        let length = usize::try_from(size).unwrap_or(BLOCK).min(BLOCK);
        let (start, _) = block.split_at_mut(length);
        if !delivered(file.read_exact_at(start, 0))? {
            return Ok(None);
        }
        let Some((version, mut fields)) = fixed_part(&block, &MAGIC) else {
            return Ok(None);
        };
        let fixed = match version {
            version if version == PLAIN.0 => PLAIN.1,
            version if version == SEALED.0 => SEALED.1,
            version => return Err(newer("file", version.into(), Some(SEALED.0.into()))),
        };
        let (Ok(length), Ok(first), Ok(checksum)) = (fields.u32(), fields.u64(), fields.u64()) else {
            return Ok(None);
        };
        if u64::from(length) > size {
            return Ok(None);
        }
        let mut wrapped = || fields.array::<LENGTH>().map(Wrapped::from_bytes).ok();
        let seals = match (wrapped(), wrapped(), wrapped()) {
            (Some(frames), Some(state), Some(ids)) => Some(Seals {
                frames,
                journal: WrappedKeys { state, ids },
            }),
            (None, ..) if version == PLAIN.0 => None,
            _ => return Ok(None),
        };
        let mut text = vec![0; length as usize];
        if !delivered(file.read_exact_at(&mut text, fixed.into()))? {
            return Ok(None);
        }
        let heading =
            (XxHash3_64::oneshot(&text) == checksum).then(|| serde_json::from_slice::<Heading>(&text).ok());
        let heading = heading.flatten();
        for (name, sink) in heading.iter().flat_map(|heading| &heading.sinks) {
            sink.record.check(name)?;
        }
        let blocks = (usize::from(fixed) + text.len()).div_ceil(BLOCK);
        let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
        Ok(heading.map(|heading| Read {
            first,
            heading,
            seals,
            blocks,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Progress;
    use crate::seal::wrapped::Purpose;
    use crate::seal::wrapped::tests::keys;

    fn sample(sinks: usize) -> Heading {
        let standing = |cursor| SinkStanding {
            record: SinkRecord {
                progress: Progress {
                    cursor,
                    settled: vec![(cursor + 2, cursor + 9)],
                    ..Progress::default()
                },
                ..SinkRecord::default()
            },
            parked: 3,
        };
        Heading {
            sinks: (0..sinks)
                .map(|n| (format!("sink {n}"), standing(n as u64)))
                .collect(),
            journalled: [("web".to_owned(), 40)].into(),
            ..Heading::default()
        }
    }

    fn file(bytes: &[u8]) -> File {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file
    }

    /// No seals, and those of a sealed file.
    fn seals() -> [Option<Seals>; 2] {
        let keys = keys(&[1]);
        let (_, frames) = Wrapped::new_key(&keys, Purpose::Frames(70)).unwrap();
        let journal = WrappedKeys::new(&keys).unwrap();
        [None, Some(Seals { frames, journal })]
    }

    #[test]
    fn what_is_written_is_read() {
        for (sinks, seals) in [0, 1, 100]
            .into_iter()
            .flat_map(|sinks| seals().map(|seals| (sinks, seals)))
        {
            let bytes = sample(sinks).to_bytes(70, seals.as_ref());
            let read = Heading::read(&file(&bytes)).unwrap().unwrap();
            assert_eq!(
                (read.first, &read.heading, read.seals),
                (70, &sample(sinks), seals)
            );
            assert_eq!(read.blocks as usize * BLOCK, bytes.len());
        }
    }

    #[test]
    fn no_cut_and_no_flipped_bit_passes() {
        for seals in seals() {
            let bytes = sample(2).to_bytes(70, seals.as_ref());
            let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
            for length in 0..used {
                assert!(Heading::read(&file(&bytes[..length])).unwrap().is_none());
            }
            for bit in 0..used * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(Heading::read(&file(&flipped)).unwrap().is_none(), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        for seals in seals() {
            let mut bytes = sample(1).to_bytes(70, seals.as_ref());
            let fixed = usize::from(seals.map_or(PLAIN, |_| SEALED).1);
            bytes[8..10].copy_from_slice(&(SEALED.0 + 1).to_le_bytes());
            assert!(Heading::read(&file(&bytes)).unwrap().is_none());
            let checksum = XxHash3_64::oneshot(&bytes[..fixed - 8]).to_le_bytes();
            bytes[fixed - 8..fixed].copy_from_slice(&checksum);
            assert!(matches!(Heading::read(&file(&bytes)), Err(Trouble::Newer(_))));
        }
    }
}
