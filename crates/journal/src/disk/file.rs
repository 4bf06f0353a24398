//! One file of frames: after a heading they lie one after the other, each beginning at a block, and nothing is ever
//! written twice.
//!
//! While the file grows, frames bypass the system's cache and go straight from our buffer to the disk: nobody reads
//! them soon (sinks that keep pace get the events that were appended), and through the cache each page would be
//! allocated, filled, marked, looked up and written back. A commit is one write and one `fdatasync`, which also makes
//! the disk write down what it holds in its own cache.
//!
//! Once the file is complete, a summary follows the frames: what the file holds and where, after its checksum, then its
//! length and a mark at the very end. A file without a summary (the process was killed) is read through from its
//! beginning: each frame has a magic, a length and a checksum, so anything that was not written whole is no frame.
//! After an unreadable part, the next frames are found block by block.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::cut::Cut;
use super::guard::{Trouble, io as trouble};
use super::pages::BLOCK;
use super::private::private;
use super::segment::{Content, seal, unseal};
use super::takeover::walk;
use crate::Position;

/// The last bytes of a complete file.
const MARK: [u8; 8] = *b"\xF7sbcompl";
/// So many parts a system takes in one call.
const PARTS: usize = 1024;
/// The mark and the length of the summary before it.
const END: usize = 16;

/// Where a frame lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The position of its first event.
    pub(super) first: Position,
    /// Blocks before it: files are far smaller than 16 TiB.
    pub(super) block: u32,
    pub(super) length: u32,
}

/// What stands at the end of a complete file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Summary {
    pub(super) content: Content,
    pub(super) frames: Vec<Place>,
}

/// What is at a position of a file.
pub(super) struct Look {
    /// The frame that begins at or before it; `None` if there is none.
    pub(super) frame: Option<Result<Vec<u8>, Trouble>>,
    /// Where the frame after it begins.
    pub(super) next: Option<Position>,
}

/// A file of frames, open for reading.
pub(super) struct FrameFile {
    file: File,
    /// In order. Those of a file that grows are added once they are durable.
    places: RwLock<Vec<Place>>,
}

impl FrameFile {
    fn new(file: File, places: Vec<Place>) -> FrameFile {
        let places = RwLock::new(places);
        FrameFile { file, places }
    }

    /// Opens a file that does not grow. What reaches beyond `limit` was never acknowledged: its commit seemed to fail, and
    /// the next file took its place.
    pub(super) fn open(path: &Path, limit: Position) -> Result<FrameFile, Trouble> {
        let file = File::open(path).map_err(|error| trouble(&error))?;
        let places = match summary(&file, limit) {
            Some(summary) => summary.frames,
            None => walk(&file, limit, None)?.summary.frames,
        };
        Ok(FrameFile::new(file, places))
    }

    /// The frame at or before a position, whose bytes nobody has checked yet, and where the next one begins.
    pub(super) fn look(&self, position: Position) -> Look {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let after = places.partition_point(|place| place.first <= position);
        let place = after.checked_sub(1).and_then(|i| places.get(i)).copied();
        let next = places.get(after).map(|place| place.first);
        drop(places);
        let frame = place.map(|place| {
            let mut bytes = vec![0; place.length as usize];
            let read = self.file.read_exact_at(&mut bytes, offset(place.block));
            read.map(|()| bytes).map_err(|error| trouble(&error))
        });
        Look { frame, next }
    }
}

/// The byte at which a block begins.
pub(super) fn offset(block: u32) -> u64 {
    u64::from(block) * BLOCK as u64
}

/// A file that grows, for the one that writes it.
pub(super) struct Growing {
    /// `None` where the file system knows no way around the cache.
    direct: Option<File>,
    /// Blocks written.
    end: u32,
}

impl Growing {
    /// Makes a new file that begins with `heading` (whole blocks), which becomes durable with the first frames; also
    /// returns the file for readers.
    pub(super) fn create(path: &Path, heading: &[u8]) -> io::Result<(Growing, FrameFile)> {
        let file = private().create_new(true).open(path)?;
        file.write_all_at(heading, 0)?;
        let direct = open_direct(path);
        let end = u32::try_from(heading.len() / BLOCK).map_err(|_| ErrorKind::FileTooLarge)?;
        Ok((Growing { direct, end }, FrameFile::new(file, Vec::new())))
    }

    /// Writes frames durably behind those that are there; readers see all of them, or none if it fails.
    pub(super) fn append(&mut self, to: &FrameFile, cut: &Cut<'_>) -> io::Result<()> {
        let blocks = cut.parts.iter().map(|part| part.len() / BLOCK).sum::<usize>();
        let end = u32::try_from(blocks).ok().and_then(|n| self.end.checked_add(n));
        let end = end.ok_or(ErrorKind::FileTooLarge)?;
        self.write(&to.file, &cut.parts, offset(self.end))?;
        to.file.sync_data()?;
        let mut places = to.places.write().unwrap_or_else(PoisonError::into_inner);
        let mut block = self.end;
        for frame in &cut.frames {
            places.push(Place {
                first: frame.first,
                block,
                length: frame.length,
            });
            block += frame.length.div_ceil(BLOCK as u32);
        }
        self.end = end;
        Ok(())
    }

    fn write(&mut self, file: &File, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        if let Some(direct) = &self.direct {
            match write_all(direct, parts, offset) {
                // The file system took the flag and does not do it, or wants larger blocks.
                Err(error) if error.kind() == ErrorKind::InvalidInput => self.direct = None,
                written => return written,
            }
        }
        write_all(file, parts, offset)
    }

    /// The byte after the last frame.
    pub(super) fn end(&self) -> u64 {
        offset(self.end)
    }

    /// Writes down what the file holds, so that it need not be read through again, and takes away what a failed append may
    /// have left.
    pub(super) fn complete(self, to: &FrameFile, content: Content) -> io::Result<()> {
        let frames = to.places.read().unwrap_or_else(PoisonError::into_inner).clone();
        conclude(&to.file, self.end, &Summary { content, frames })
    }
}

/// Writes parts one after the other.
fn write_all(file: &File, parts: &[IoSlice<'_>], mut offset: u64) -> io::Result<()> {
    let mut parts = parts.to_vec();
    let mut rest = parts.as_mut_slice();
    while !rest.is_empty() {
        let some = rest.get(..rest.len().min(PARTS)).unwrap_or_default();
        let written = match rustix::io::pwritev(file, some, offset) {
            Err(rustix::io::Errno::INTR) => continue,
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            written => written?,
        };
        offset += written as u64;
        IoSlice::advance_slices(&mut rest, written);
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::DIRECT.bits() as i32;
    OpenOptions::new().write(true).custom_flags(flags).open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_: &Path) -> Option<File> {
    None
}

/// Writes the summary behind the frames, which end at a block.
pub(super) fn conclude(file: &File, end: u32, summary: &Summary) -> io::Result<()> {
    let at = offset(end);
    file.set_len(at)?;
    let mut bytes = seal(&serde_json::to_vec(summary)?);
    bytes.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&MARK);
    file.write_all_at(&bytes, at)?;
    file.sync_data()
}

/// The summary of a file, if it has one that is in order.
pub(super) fn summary(file: &File, limit: Position) -> Option<Summary> {
    let size = file.metadata().ok()?.len();
    let mut end = [0; END];
    file.read_exact_at(&mut end, size.checked_sub(END as u64)?).ok()?;
    let (length, mark) = end.split_first_chunk::<8>()?;
    let length = u64::from_le_bytes(*length);
    let at = (size - END as u64).checked_sub(length)?;
    if *mark != MARK {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut bytes, at).ok()?;
    let summary: Summary = serde_json::from_slice(unseal(&bytes)?).ok()?;
    (summary.content.end <= limit).then_some(summary)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::disk::cut::{Kept, cut};
    use crate::disk::frame::Frame;
    use crate::disk::heading::Heading;
    use crate::disk::mark::{self, Mark};
    use crate::disk::pages::Pages;
    use crate::disk::prepared::tests::prepared;
    use crate::disk::takeover::{At, Taken, frame_at, take_over};

    /// Does something with a frame of so many events.
    fn with<T>(first: Position, count: usize, work: impl FnOnce(&Cut<'_>) -> T) -> T {
        work(&cut(
            &mut [prepared(count)],
            &[Kept::All],
            first,
            0,
            &mut Pages::default(),
        ))
    }

    /// A file of frames of so many events each, not completed; returns where each ends, in positions and bytes.
    fn grown(path: &Path, counts: &[usize]) -> (Growing, FrameFile, Vec<(Position, u64)>) {
        let (mut growing, file) = Growing::create(path, &Heading::default().to_bytes(100)).unwrap();
        let (mut first, mut ends) = (100, Vec::new());
        for count in counts {
            with(first, *count, |cut| growing.append(&file, cut)).unwrap();
            first += *count as u64;
            ends.push((first, offset(growing.end)));
        }
        (growing, file, ends)
    }

    /// Takes a file over as after a power loss, with nothing known about it.
    fn taken(path: &Path) -> Taken {
        take_over(path, 100, Position::MAX, None, &mut Mark::default()).unwrap()
    }

    /// The positions that a file answers for.
    fn held(file: &FrameFile, to: Position) -> Vec<Position> {
        (0..to)
            .filter(|position| {
                let Some(Ok(bytes)) = file.look(*position).frame else {
                    return false;
                };
                let frame = Frame::decode(&bytes).unwrap();
                frame.head.first <= *position && *position < frame.head.end()
            })
            .collect()
    }

    #[test]
    fn frames_are_found_while_it_grows_and_once_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (mut growing, file, _) = grown(&path, &[1, 40, 3]);
        assert_eq!(held(&file, 200), (100..144).collect::<Vec<_>>());
        assert_eq!(file.look(99).next, Some(100));
        assert_eq!(file.look(120).next, Some(141));
        assert_eq!(file.look(143).next, None);
        // Without a way around the cache it is all the same.
        growing.direct = None;
        with(144, 2, |cut| growing.append(&file, cut)).unwrap();
        assert_eq!(held(&file, 200), (100..146).collect::<Vec<_>>());
        let content = Content {
            end: 146,
            ..Content::default()
        };
        growing.complete(&file, content.clone()).unwrap();
        assert_eq!(taken(&path).content, Some(content));
        let file = FrameFile::open(&path, Position::MAX).unwrap();
        assert_eq!(held(&file, 200), (100..146).collect::<Vec<_>>());
    }

    #[test]
    fn what_a_failed_append_left_is_gone_once_it_is_complete_and_beyond_the_limit_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (growing, file, ends) = grown(&path, &[5, 5]);
        with(110, 7, |cut| {
            write_all(&file.file, &cut.parts, offset(growing.end))
        })
        .unwrap();
        let open = FrameFile::open(&path, 110).unwrap();
        assert_eq!(held(&open, 200), (100..110).collect::<Vec<_>>());
        growing.complete(&file, Content::default()).unwrap();
        let (_, end) = ends[1];
        let mut bytes = Vec::new();
        let behind = frame_at(&file.file, (end / 4096) as u32, u64::MAX, &mut bytes);
        assert!(matches!(behind.unwrap(), At::Nothing));
        assert_eq!(held(&FrameFile::open(&path, 110).unwrap(), 200).len(), 10);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// A process is killed, and a byte changes: acknowledged events are held, or their positions are counted; of
        /// the others, none stays behind a gap.
        #[test]
        fn behind_an_exact_mark_only_whole_commits_stay(
            counts in proptest::collection::vec(1..60usize, 1..6),
            acknowledged in any::<prop::sample::Index>(),
            at in any::<prop::sample::Index>(),
            bits in 1..=255u8,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let (_, file, ends) = grown(&path, &counts);
            let acknowledged = acknowledged.index(ends.len() + 1);
            let before = |n: usize| n.checked_sub(1).map_or((100, offset(1)), |n| ends[n]);
            let (end, bytes) = before(acknowledged);
            let mut mark = Mark::open(folder.path());
            mark.set(100, end, bytes);
            let marked = mark::read(folder.path()).unwrap().unwrap();
            prop_assume!(marked.exact);
            let at = at.index(file.file.metadata().unwrap().len() as usize) as u64;
            let mut byte = [0];
            file.file.read_exact_at(&mut byte, at).unwrap();
            file.file.write_all_at(&[byte[0] ^ bits], at).unwrap();

            let taken = take_over(&path, 100, Position::MAX, Some(&marked), &mut mark).unwrap();
            prop_assert!(taken.given >= end);
            let held = match taken.content {
                Some(_) => held(&FrameFile::open(&path, taken.given).unwrap(), 1000),
                None => Vec::new(),
            };
            let holds = |n: usize| (before(n).0..ends[n].0).all(|position| held.contains(&position));
            let hit = (0..ends.len()).find(|n| (before(*n).1..ends[*n].1).contains(&at));
            // Bytes that fill a block up carry no content.
            let hit = hit.filter(|n| !holds(*n));
            for n in 0..ends.len() {
                let wanted = hit.is_none_or(|hit| n != hit && (n < hit || hit < acknowledged));
                prop_assert_eq!(holds(n), wanted, "frame {}, of {} acknowledged; hit: {:?}", n, acknowledged, hit);
            }
        }

        /// The process was killed or the power went: whatever is there of the last write, what was acknowledged is found.
        #[test]
        fn a_file_cut_anywhere_keeps_every_frame_before(
            counts in proptest::collection::vec(1..60usize, 1..6),
            cut in any::<prop::sample::Index>(),
            zeros in any::<bool>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let (_, file, ends) = grown(&path, &counts);
            let size = file.file.metadata().unwrap().len();
            let cut = cut.index(size as usize) as u64;
            let writing = OpenOptions::new().write(true).open(&path).unwrap();
            writing.set_len(cut).unwrap();
            if zeros {
                writing.set_len(size).unwrap();
            }
            let whole = ends.iter().take_while(|(_, end)| *end <= cut).last();
            let end = whole.map_or(100, |(end, _)| *end);
            let found = taken(&path);
            // The end of a frame's last block may be cut without harm.
            match found.content.map(|content| content.end) {
                Some(found) => prop_assert!(found >= end && ends.iter().any(|(end, _)| *end == found)),
                None => prop_assert_eq!(end, 100),
            }
            if end > 100 {
                let held = held(&FrameFile::open(&path, Position::MAX).unwrap(), 1000);
                prop_assert!(held.starts_with(&(100..end).collect::<Vec<_>>()));
                prop_assert!(summary(&File::open(&path).unwrap(), Position::MAX).is_some(), "it is complete now");
            }
        }
    }
}
