//! Reads a file of frames through, when it has no summary: block by block, since anything may be damaged.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::aligned::BLOCK;
use super::bytes::{Flaw, SHORT};
use super::file_key::FileKey;
use super::frame::{FIXED, Frame, Head, NEWEST};
use super::heading::Heading;
use super::log_file::FrameNote;
use super::summary::{IndexEntry, Summary, offset};
use crate::Position;
use crate::panic_guard::{Trouble, delivered, io as trouble, newer};

/// The flaw of bytes that do not begin as a frame does.
const NO_FRAME: Flaw = "it is no frame";

/// The result of reading a file through.
pub(super) struct Walk {
    pub(super) summary: Summary,
    /// Blocks up to the end of the last frame.
    pub(super) end: u32,
    /// Stretches of blocks before `end` that hold no frame, and the flaw of the last one that should be one.
    pub(super) damaged: Vec<(u32, u32, Flaw)>,
    /// The position after the last event of frames whose head alone is right.
    pub(super) torn: Position,
    /// The highest position that a frame names as acknowledged.
    pub(super) acknowledged: Position,
}

/// The place after which frames count only as a chain without a gap: no commit after it was acknowledged, and one that
/// lacks a part must go as a whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chain {
    pub(super) block: u32,
    pub(super) position: Position,
}

/// The content found at a block.
pub(super) enum At<'a> {
    Frame(Frame<'a>),
    /// The head of a frame without a rest that can be read, and why.
    Torn(Head, Flaw),
    Nothing,
}

/// Reads a file through. Frames do not count if they claim positions that are taken or lie beyond `limit`.
pub(super) fn walk(
    file: &File,
    key: &FileKey,
    limit: Position,
    chain: Option<Chain>,
) -> Result<Walk, Trouble> {
    let size = file.metadata().map_err(|error| trouble(&error))?.len();
    let blocks = u32::try_from(size.div_ceil(BLOCK as u64))
        .map_err(|_| Trouble::Broken("it is larger than any file of frames".into()))?;
    let mut walk = Walk {
        summary: Summary::default(),
        end: Heading::read(file)?.map_or(0, |read| read.blocks),
        damaged: Vec::new(),
        torn: 0,
        acknowledged: 0,
    };
    let mut bytes = Vec::new();
    let mut block = walk.end;
    let mut flaw = NO_FRAME;
    while block < blocks {
        let expected = chain.filter(|chain| chain.block <= block).map(|chain| Chain {
            block: chain.block.max(walk.end),
            position: chain.position.max(walk.summary.content.end),
        });
        if expected.is_some_and(|expected| expected.block < block) {
            break;
        }
        let content = &mut walk.summary.content;
        let frame = match frame_at(file, key, block, size, &mut bytes)? {
            At::Frame(frame) => frame,
            other => {
                if let At::Torn(head, why) = other {
                    flaw = why;
                    walk.acknowledged = walk.acknowledged.max(head.acknowledged);
                    if head.end() <= limit {
                        walk.torn = walk.torn.max(head.end());
                    }
                }
                block += 1;
                continue;
            }
        };
        let head = frame.head;
        let out_of_place = expected.is_some_and(|expected| expected.position != head.first);
        if head.first < content.end || head.end() > limit || out_of_place {
            block += 1;
            continue;
        }
        walk.acknowledged = walk.acknowledged.max(head.acknowledged);
        content.note(&FrameNote::of_frame(&frame));
        walk.summary.frames.push(IndexEntry {
            first: head.first,
            block,
            length: head.length,
        });
        if block > walk.end {
            walk.damaged.push((walk.end, block, flaw));
        }
        flaw = NO_FRAME;
        block += head.length.div_ceil(BLOCK as u32);
        walk.end = block;
    }
    Ok(walk)
}

/// Reads the frame that begins at a block, if one does.
pub(super) fn frame_at<'a>(
    file: &File,
    key: &FileKey,
    block: u32,
    size: u64,
    bytes: &'a mut Vec<u8>,
) -> Result<At<'a>, Trouble> {
    let (at, left) = (offset(block), size.saturating_sub(offset(block)));
    // The head of a newer version may be longer.
    let longest = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
    if left < FIXED as u64 || !read(file, at, longest, bytes)? {
        return Ok(At::Nothing);
    }
    let head = match Head::read(bytes) {
        Ok(head) => head,
        Err(_) => match Head::newer(bytes) {
            Some(version) => return Err(newer("frame", version.into(), Some(NEWEST.into()))),
            None => return Ok(At::Nothing),
        },
    };
    if left < u64::from(head.length) || !read(file, at, head.length as usize, bytes)? {
        return Ok(At::Torn(head, SHORT));
    }
    Ok(Frame::decode_at(bytes, key, at).map_or_else(|flaw| At::Torn(head, flaw), At::Frame))
}

/// Reads `length` bytes; returns false if the disk does not deliver them.
fn read(file: &File, at: u64, length: usize, bytes: &mut Vec<u8>) -> Result<bool, Trouble> {
    bytes.resize(length, 0);
    delivered(file.read_exact_at(bytes, at))
}
