//! One file of frames: after a heading they lie one after the other, each beginning at a block, and nothing is ever
//! written twice.
//!
//! While the file grows, frames bypass the page cache (`O_DIRECT`). Sinks that keep pace get the appended events from
//! memory, so no reader needs the pages soon, and through the cache each page would be allocated, filled, marked, looked
//! up and written back. A commit is one write and one `fdatasync`, which also flushes the disk's own cache.
//!
//! Once the file is complete, a [summary](super::summary) follows the frames. A file without one (the process was killed)
//! is read through from its beginning: each frame has a magic, a length and a checksum, so a torn write is no frame.
//! After an unreadable part, the next frames are found block by block.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use super::aligned::BLOCK;
use super::encode::FrameInfo;
use super::file_key::FileKey;
use super::frame::SEAL;
use super::layout::Layout;
use super::log_file::Content;
use super::sealer::FrameSealer;
use super::summary::{IndexEntry, Summary, conclude, offset, summary};
use super::walk::walk;
use crate::Position;
use crate::fs::private;
use crate::panic_guard::{Trouble, io as trouble};

/// IOV_MAX: the most buffers that one `pwritev` accepts.
const PARTS: usize = 1024;
/// The frames around a position of a file.
pub(super) struct Look {
    /// The frame that begins at or before the position; `None` if there is none.
    pub(super) frame: Option<Result<Vec<u8>, Trouble>>,
    /// The byte at which that frame begins.
    pub(super) at: u64,
    /// The first position of the frame after it.
    pub(super) next: Option<Position>,
}

/// A file of frames, open for reading.
pub(super) struct FrameFile {
    file: File,
    pub(super) key: FileKey,
    /// Its frames in order. Frames of a growing file are added once they are durable.
    places: RwLock<Vec<IndexEntry>>,
}

impl FrameFile {
    fn new(file: File, key: FileKey, places: Vec<IndexEntry>) -> FrameFile {
        let places = RwLock::new(places);
        FrameFile { file, key, places }
    }

    /// Opens a file that does not grow. Frames that reach beyond `limit` were never acknowledged: their commit seemed to
    /// fail, and the next file took their positions.
    pub(super) fn open(path: &Path, key: FileKey, limit: Position) -> Result<FrameFile, Trouble> {
        let file = File::open(path).map_err(|error| trouble(&error))?;
        let places = match summary(&file, limit) {
            Some(summary) => summary.frames,
            None => walk(&file, &key, limit, None)?.summary.frames,
        };
        Ok(FrameFile::new(file, key, places))
    }

    /// Reads the frame at or before a position, unchecked, and finds where the next one begins.
    pub(super) fn look(&self, position: Position) -> Look {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let after = places.partition_point(|place| place.first <= position);
        let place = after.checked_sub(1).and_then(|i| places.get(i)).copied();
        let next = places.get(after).map(|place| place.first);
        drop(places);
        let at = place.map_or(0, |place| offset(place.block));
        let frame = place.map(|place| {
            let mut bytes = vec![0; place.length as usize];
            let read = self.file.read_exact_at(&mut bytes, at);
            read.map(|()| bytes).map_err(|error| trouble(&error))
        });
        Look { frame, at, next }
    }
}

/// The writing side of a growing file.
pub(super) struct Growing {
    /// `None` where the file system does not support direct I/O.
    direct: Option<File>,
    /// Blocks written.
    end: u32,
    /// Seals the frames, if the journal has a key.
    sealer: Option<FrameSealer>,
}

impl Growing {
    /// Makes a new file that begins with `heading` (whole blocks), which becomes durable with the first frames; also
    /// returns the file for readers.
    pub(super) fn create(
        path: &Path,
        heading: &[u8],
        key: FileKey,
        sealer: Option<FrameSealer>,
    ) -> io::Result<(Growing, FrameFile)> {
        let file = private().create_new(true).open(path)?;
        file.write_all_at(heading, 0)?;
        let direct = open_direct(path);
        let end = u32::try_from(heading.len() / BLOCK).map_err(|_| ErrorKind::FileTooLarge)?;
        let growing = Growing { direct, end, sealer };
        Ok((growing, FrameFile::new(file, key, Vec::new())))
    }

    /// The bytes that a frame takes beyond its encoded length.
    pub(super) fn overhead(&self) -> u32 {
        self.sealer.as_ref().map_or(0, |_| SEAL as u32)
    }

    /// Writes frames durably behind the present ones. Readers see all of them, or none if the write fails.
    pub(super) fn append(&mut self, to: &FrameFile, layout: &Layout<'_>) -> io::Result<()> {
        let overhead = self.overhead();
        let blocks = |frame: &FrameInfo| (frame.length + overhead).div_ceil(BLOCK as u32);
        let end = layout
            .frames
            .iter()
            .map(blocks)
            .try_fold(self.end, u32::checked_add);
        let end = end.ok_or(ErrorKind::FileTooLarge)?;
        let at = offset(self.end);
        match &mut self.sealer {
            None => write(&mut self.direct, &to.file, &layout.parts, at)?,
            Some(sealer) => {
                let sealed = sealer.seal(layout, at)?;
                write(&mut self.direct, &to.file, &[IoSlice::new(sealed)], at)?;
            }
        }
        to.file.sync_data()?;
        let mut places = to.places.write().unwrap_or_else(PoisonError::into_inner);
        let mut block = self.end;
        for frame in &layout.frames {
            places.push(IndexEntry {
                first: frame.first,
                block,
                length: frame.length + overhead,
            });
            block += blocks(frame);
        }
        self.end = end;
        Ok(())
    }

    /// The byte after the last frame.
    pub(super) fn end(&self) -> u64 {
        offset(self.end)
    }

    /// Writes the summary, so that the file need not be read through again, and removes the remains of a failed append.
    pub(super) fn complete(self, to: &FrameFile, content: Content) -> io::Result<()> {
        let frames = to.places.read().unwrap_or_else(PoisonError::into_inner).clone();
        conclude(&to.file, self.end, &Summary { content, frames })
    }
}

/// Writes parts around the page cache where possible.
fn write(direct: &mut Option<File>, file: &File, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
    if let Some(around) = direct {
        match write_all(around, parts, offset) {
            // The file system accepts the flag but not the write, or wants larger blocks.
            Err(error) if error.kind() == ErrorKind::InvalidInput => *direct = None,
            written => return written,
        }
    }
    write_all(file, parts, offset)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::aligned::AlignedBuffer;
    use crate::log::encode::tests::encoded;
    use crate::log::file_key::WritingKey;
    use crate::log::frame::Frame;
    use crate::log::heading::{Heading, Seals};
    use crate::log::layout::{Kept, lay_out};
    use crate::log::mark::{self, Mark};
    use crate::log::takeover::{Taken, take_over};
    use crate::log::walk::{At, frame_at};
    use crate::seal::keys_file::WrappedKeys;
    use crate::seal::operator::Keys;
    use crate::seal::wrapped::tests::keys;

    /// Runs a function with a frame of `count` events.
    fn with<T>(first: Position, count: usize, work: impl FnOnce(&Layout<'_>) -> T) -> T {
        work(&lay_out(
            &mut [encoded(count)],
            &[Kept::All],
            first,
            0,
            &mut AlignedBuffer::default(),
        ))
    }

    fn key() -> FileKey {
        FileKey::new(Some(&keys(&[1])), 100, false)
    }

    /// Opens a file, sealed or not.
    fn open(path: &Path, limit: Position) -> FrameFile {
        FrameFile::open(path, key(), limit).unwrap()
    }

    /// Makes an incomplete file of frames with these numbers of events, sealed if there are keys; returns the end of each,
    /// in positions and bytes.
    fn grown(
        path: &Path,
        counts: &[usize],
        keys: Option<&Keys>,
    ) -> (Growing, FrameFile, Vec<(Position, u64)>) {
        let writing = keys.map(|keys| {
            (
                WritingKey::new(keys, 100).unwrap(),
                WrappedKeys::new(keys).unwrap(),
            )
        });
        let seals = writing.as_ref().map(|(key, journal)| Seals {
            frames: key.wrapped,
            journal: *journal,
        });
        let heading = Heading::default().to_bytes(100, seals.as_ref());
        let sealer = writing.map(|(key, _)| FrameSealer::new(key));
        let (mut growing, file) = Growing::create(path, &heading, key(), sealer).unwrap();
        let (mut first, mut ends) = (100, Vec::new());
        for count in counts {
            with(first, *count, |layout| growing.append(&file, layout)).unwrap();
            first += *count as u64;
            ends.push((first, offset(growing.end)));
        }
        (growing, file, ends)
    }

    /// Takes a file over as after a power loss, with nothing known about it.
    fn taken(path: &Path) -> Taken {
        take_over(path, &key(), Position::MAX, None, &mut Mark::default()).unwrap()
    }

    /// The positions that a file answers for.
    fn held(file: &FrameFile, to: Position) -> Vec<Position> {
        (0..to)
            .filter(|position| {
                let look = file.look(*position);
                let Some(Ok(mut bytes)) = look.frame else {
                    return false;
                };
                let frame = Frame::decode_at(&mut bytes, &file.key, look.at).unwrap();
                frame.head.first <= *position && *position < frame.head.end()
            })
            .collect()
    }

    #[test]
    fn frames_are_found_while_it_grows_and_once_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (mut growing, file, _) = grown(&path, &[1, 40, 3], None);
        assert_eq!(held(&file, 200), (100..144).collect::<Vec<_>>());
        assert_eq!(file.look(99).next, Some(100));
        assert_eq!(file.look(120).next, Some(141));
        assert_eq!(file.look(143).next, None);
        // Without a way around the cache it is all the same.
        growing.direct = None;
        with(144, 2, |layout| growing.append(&file, layout)).unwrap();
        assert_eq!(held(&file, 200), (100..146).collect::<Vec<_>>());
        let content = Content {
            end: 146,
            ..Content::default()
        };
        growing.complete(&file, content.clone()).unwrap();
        assert_eq!(taken(&path).content, Some(content));
        let file = open(&path, Position::MAX);
        assert_eq!(held(&file, 200), (100..146).collect::<Vec<_>>());
    }

    #[test]
    fn what_a_failed_append_left_is_gone_once_it_is_complete_and_beyond_the_limit_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (growing, file, ends) = grown(&path, &[5, 5], None);
        with(110, 7, |layout| {
            write_all(&file.file, &layout.parts, offset(growing.end))
        })
        .unwrap();
        let before = open(&path, 110);
        assert_eq!(held(&before, 200), (100..110).collect::<Vec<_>>());
        growing.complete(&file, Content::default()).unwrap();
        let (_, end) = ends[1];
        let mut bytes = Vec::new();
        let behind = frame_at(&file.file, &key(), (end / 4096) as u32, u64::MAX, &mut bytes);
        assert!(matches!(behind.unwrap(), At::Nothing));
        assert_eq!(held(&open(&path, 110), 200).len(), 10);
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
            sealed in any::<bool>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let (_, file, ends) = grown(&path, &counts, sealed.then(|| keys(&[1])).as_ref());
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

            let taken = take_over(&path, &key(), Position::MAX, Some(&marked), &mut mark).unwrap();
            prop_assert!(taken.given >= end);
            let held = match taken.content {
                Some(_) => held(&open(&path, taken.given), 1000),
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

        /// After a kill or a power loss the acknowledged events are found, however much of the last write is there.
        #[test]
        fn a_file_cut_anywhere_keeps_every_frame_before(
            counts in proptest::collection::vec(1..60usize, 1..6),
            layout in any::<prop::sample::Index>(),
            zeros in any::<bool>(),
            sealed in any::<bool>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let (_, file, ends) = grown(&path, &counts, sealed.then(|| keys(&[1])).as_ref());
            let size = file.file.metadata().unwrap().len();
            let layout = layout.index(size as usize) as u64;
            let writing = OpenOptions::new().write(true).open(&path).unwrap();
            writing.set_len(layout).unwrap();
            if zeros {
                writing.set_len(size).unwrap();
            }
            let whole = ends.iter().take_while(|(_, end)| *end <= layout).last();
            let end = whole.map_or(100, |(end, _)| *end);
            let found = taken(&path);
            // The end of a frame's last block may be layout without harm.
            match found.content.map(|content| content.end) {
                Some(found) => prop_assert!(found >= end && ends.iter().any(|(end, _)| *end == found)),
                None => prop_assert_eq!(end, 100),
            }
            if end > 100 {
                let held = held(&open(&path, Position::MAX), 1000);
                prop_assert!(held.starts_with(&(100..end).collect::<Vec<_>>()));
                prop_assert!(summary(&File::open(&path).unwrap(), Position::MAX).is_some(), "it is complete now");
            }
        }
    }
}
