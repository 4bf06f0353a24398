//! Seals the frames of a commit. Frames are encoded without knowing where they will stand, by the thread that appends; they
//! are sealed for their place by the writer, in a buffer of the file: a commit that fails is written again elsewhere.

use std::io;

use super::aligned::{AlignedBuffer, BLOCK};
use super::file_key::WritingKey;
use super::frame::{SEAL, seal};
use super::layout::Layout;

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
