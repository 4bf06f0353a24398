//! Seals the frames of a commit. Frames are encoded without knowing where they will stand, by the thread that appends; they
//! are sealed for their place by the writer, in a buffer of the file: a commit that fails is written again elsewhere.

use std::io;
use std::sync::Arc;

use signalbox_core::Event;

use super::aligned::{AlignedBuffer, BLOCK};
use super::encode::EncodedAppend;
use super::file_key::WritingKey;
use super::frame::{SEAL, seal};
use super::layout::{Kept, Layout, lay_out};
use crate::Position;
use crate::names::Names;
use crate::seal::keys_file::{Found, JournalKeys};
use crate::seal::operator::Keys;

/// Seals the frames of one growing file.
pub(super) struct FrameSealer {
    key: WritingKey,
    buffer: AlignedBuffer,
}

impl FrameSealer {
    pub(super) fn new(key: WritingKey) -> FrameSealer {
        let buffer = AlignedBuffer::default();
        FrameSealer { key, buffer }
    }

    /// Returns the blocks of sealed frames, which are to stand at byte `at` of the file.
    pub(super) fn seal(&mut self, layout: &Layout<'_>, at: u64) -> io::Result<&[u8]> {
        let size = |length: u32| (length as usize + SEAL).next_multiple_of(BLOCK);
        self.buffer
            .begin(layout.frames.iter().map(|frame| size(frame.length)).sum());
        for (frame, part) in layout.frames.iter().zip(&layout.parts) {
            let plain = part.get(..frame.length as usize).unwrap_or_default();
            let at = at + self.buffer.as_bytes().len() as u64;
            self.buffer.add(|bytes| seal(plain, &mut self.key, at, bytes))?;
        }
        Ok(self.buffer.as_bytes())
    }
}

/// Encodes and seals the commits of one file of frames, and hashes the ids, as an append and the writer do; for benches.
///
/// # Errors
/// The system's, if it gives no random numbers.
pub fn seal_frames(keys: &Keys, commits: Vec<Vec<Event>>) -> io::Result<Vec<u8>> {
    let ids = JournalKeys::open(keys, &Found::Nothing, None)
        .map_err(io::Error::other)?
        .ids;
    let mut sealer = FrameSealer::new(WritingKey::new(keys, 0)?);
    let (mut blocks, mut first): (Vec<u8>, Position) = (Vec::new(), 0);
    for events in commits {
        let count = events.len() as u64;
        let events = events.into_iter().map(Arc::new).collect();
        let encoded = EncodedAppend::to_seal(events, &Names::default(), &ids);
        let (mut appends, mut copied) = ([encoded], AlignedBuffer::default());
        let layout = lay_out(&mut appends, &[Kept::All], first, 0, &mut copied);
        blocks.extend_from_slice(sealer.seal(&layout, blocks.len() as u64)?);
        first += count;
    }
    Ok(blocks)
}
