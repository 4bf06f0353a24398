//! One file of frames: behind a heading they lie one after the other, each beginning at a block, and nothing is ever
//! written twice.
//!
//! While it grows, frames go past the system's cache, straight from a buffer of ours to the disk: nobody reads them soon
//! (sinks that keep pace get the events that were appended), and through the cache each page would be allocated, filled,
//! marked, looked for and written back. A commit is one write and one `fdatasync`, which also makes the disk write down
//! what it holds in a cache of its own.
//!
//! Once complete, a summary follows the frames: what the file holds and where, behind its checksum, then its length and a
//! mark at the very end. A file without one (the process was killed) is read through from its beginning: frames have a
//! magic, a length and a checksum of their own, so what was not written whole is no frame. Where something unreadable is
//! in between, the frames behind it are found block by block.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::cut::Cut;
use super::frame::{FIXED, Frame, Head};
use super::guard::{Trouble, io as trouble};
use super::heading::Heading;
use super::pages::BLOCK;
use super::private::private;
use super::segment::{Content, Noted, seal, unseal};
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
    first: Position,
    /// Blocks before it: files are far smaller than 16 TiB.
    block: u32,
    length: u32,
}

/// What stands at the end of a complete file.
#[derive(Debug, Serialize, Deserialize)]
struct Summary {
    content: Content,
    frames: Vec<Place>,
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
            None => walk(&file, limit)?.summary.frames,
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

fn offset(block: u32) -> u64 {
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
    /// Makes a new file that begins with whole blocks, which become durable with the first frames; returns it for those
    /// who read, too.
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
fn conclude(file: &File, end: u32, summary: &Summary) -> io::Result<()> {
    let at = offset(end);
    file.set_len(at)?;
    let mut bytes = seal(&serde_json::to_vec(summary)?);
    bytes.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&MARK);
    file.write_all_at(&bytes, at)?;
    file.sync_data()
}

/// The summary of a file, if it has one that is in order.
fn summary(file: &File, limit: Position) -> Option<Summary> {
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

/// What reading a file through found.
struct Walk {
    summary: Summary,
    /// Blocks up to the end of the last frame.
    end: u32,
    /// Stretches of blocks before that which hold no frame.
    damaged: Vec<(u32, u32)>,
}

/// Reads a file through. Frames that claim positions that are taken are none, nor are those beyond `limit`.
fn walk(file: &File, limit: Position) -> Result<Walk, Trouble> {
    let size = file.metadata().map_err(|error| trouble(&error))?.len();
    let blocks = u32::try_from(size.div_ceil(BLOCK as u64))
        .map_err(|_| Trouble::Broken("it is larger than any file of frames".into()))?;
    let mut walk = Walk {
        summary: Summary {
            content: Content::default(),
            frames: Vec::new(),
        },
        end: Heading::read(file)?.map_or(0, |read| read.blocks),
        damaged: Vec::new(),
    };
    let mut bytes = Vec::new();
    let mut block = walk.end;
    while block < blocks {
        let Some(frame) = frame_at(file, block, size, &mut bytes)? else {
            block += 1;
            continue;
        };
        let (head, length) = (frame.head, frame.head.length);
        let content = &mut walk.summary.content;
        if head.first < content.end || head.end() > limit {
            block += 1;
            continue;
        }
        content.note(&Noted::of_frame(&frame));
        walk.summary.frames.push(Place {
            first: head.first,
            block,
            length,
        });
        if block > walk.end {
            walk.damaged.push((walk.end, block));
        }
        block += length.div_ceil(BLOCK as u32);
        walk.end = block;
    }
    Ok(walk)
}

/// The frame that begins at a block, if one does.
fn frame_at<'a>(
    file: &File,
    block: u32,
    size: u64,
    bytes: &'a mut Vec<u8>,
) -> Result<Option<Frame<'a>>, Trouble> {
    let (at, left) = (offset(block), size.saturating_sub(offset(block)));
    if left < FIXED as u64 || !read(file, at, FIXED, bytes)? {
        return Ok(None);
    }
    let Ok(head) = Head::read(bytes) else {
        return Ok(None);
    };
    if left < u64::from(head.length) || !read(file, at, head.length as usize, bytes)? {
        return Ok(None);
    }
    Ok(Frame::decode(bytes).ok())
}

/// Reads so many bytes; false if they do not answer. A place that does not answer holds no frame, but a system that does
/// not may do so later.
fn read(file: &File, at: u64, length: usize, bytes: &mut Vec<u8>) -> Result<bool, Trouble> {
    bytes.resize(length, 0);
    match file.read_exact_at(bytes, at).map_err(|error| trouble(&error)) {
        Ok(()) => Ok(true),
        Err(Trouble::Broken(_)) => Ok(false),
        Err(refused) => Err(refused),
    }
}

/// The heading of a file and the position of its first event; `None` if it has none that can be read.
pub(super) fn heading(path: &Path) -> Result<Option<(Position, Heading)>, Trouble> {
    let file = File::open(path).map_err(|error| trouble(&error))?;
    Ok(Heading::read(&file)?.map(|read| (read.first, read.heading)))
}

/// Whether nothing but a heading was ever written to a file.
pub(super) fn is_bare(path: &Path) -> bool {
    let bare = || -> Result<bool, Trouble> {
        let file = File::open(path).map_err(|error| trouble(&error))?;
        let size = file.metadata().map_err(|error| trouble(&error))?.len();
        let blocks = Heading::read(&file)?.map_or(0, |read| read.blocks);
        Ok(size <= offset(blocks))
    };
    bare().unwrap_or(false)
}

/// What a file holds that was left by an earlier process: by its summary, else by reading it through, which completes
/// it. `None` if it never got a frame. See [`FrameFile::open`] for the limit.
pub(super) fn take_over(path: &Path, limit: Position) -> Result<Option<Content>, Trouble> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.or_else(|error| match error.kind() {
        // It can be read all the same, and is read through at each start.
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => File::open(path),
        _ => Err(error),
    });
    let file = file.map_err(|error| trouble(&error))?;
    if let Some(summary) = summary(&file, limit) {
        return Ok(Some(summary.content));
    }
    let Walk {
        summary,
        end,
        damaged,
    } = walk(&file, limit)?;
    for (from, to) in damaged {
        tracing::error!(file = %path.display(), bytes = %format!("{}..{}", offset(from), offset(to)),
            "journal file unreadable here; what follows is used");
    }
    if summary.frames.is_empty() {
        return Ok(None);
    }
    if limit != Position::MAX && summary.content.end < limit {
        tracing::error!(file = %path.display(), positions = %format!("{}..{limit}", summary.content.end),
            "journal file ends before the next one begins: what stood there is lost");
    }
    if let Err(error) = conclude(&file, end, &summary) {
        tracing::warn!(file = %path.display(), "no summary written: {error}");
    }
    Ok(Some(summary.content))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::disk::cut::{Kept, cut};
    use crate::disk::pages::Pages;
    use crate::disk::prepared::tests::prepared;

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
        assert_eq!(take_over(&path, Position::MAX).unwrap(), Some(content));
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
        assert_eq!(
            frame_at(&file.file, (end / 4096) as u32, u64::MAX, &mut Vec::new())
                .unwrap()
                .map(|frame| frame.head),
            None
        );
        assert_eq!(held(&FrameFile::open(&path, 110).unwrap(), 200).len(), 10);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
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
            let found = take_over(&path, Position::MAX).unwrap();
            // The end of a frame's last block may be cut without harm.
            match found.map(|content| content.end) {
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
