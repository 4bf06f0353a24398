//! A buffer aligned to blocks, as direct I/O needs it.

/// The alignment of direct I/O: offsets, lengths and buffers are multiples of it.
pub(super) const BLOCK: usize = 4096;
/// A buffer that grew larger than this is freed after use.
const KEPT: usize = 2 << 20;

/// Bytes in memory that begin at a block and are filled up to one.
#[derive(Default)]
pub(crate) struct AlignedBuffer {
    bytes: Vec<u8>,
    /// Where the first block begins.
    start: usize,
}

impl AlignedBuffer {
    /// Empties the buffer and makes room for `size` bytes. Writing more loses the alignment and nothing else.
    pub(super) fn begin(&mut self, size: usize) {
        self.bytes.clear();
        if self.bytes.capacity() > KEPT.max(size + BLOCK) {
            self.bytes = Vec::new();
        }
        self.bytes.reserve(size + BLOCK);
        self.start = self.bytes.as_ptr().align_offset(BLOCK).min(BLOCK);
        self.bytes.resize(self.start, 0);
    }

    /// Adds what `write` writes, and zeros up to the next block.
    pub(super) fn add<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let written = write(&mut self.bytes);
        let end = self.start + (self.bytes.len() - self.start).next_multiple_of(BLOCK);
        self.bytes.resize(end, 0);
        written
    }

    /// Puts these bytes in the place of the first ones.
    pub(super) fn begin_with(&mut self, bytes: &[u8]) {
        if let Some(first) = self.bytes.get_mut(self.start..self.start + bytes.len()) {
            first.copy_from_slice(bytes);
        }
    }

    /// True if the buffer begins at a block; false if more was added than there was room for.
    pub(super) fn aligned(&self) -> bool {
        self.as_bytes().as_ptr().align_offset(BLOCK) == 0
    }

    /// The bytes added, padded to whole blocks.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_at_a_block_and_ends_at_one() {
        let mut buffer = AlignedBuffer::default();
        for size in [1, BLOCK, BLOCK + 1, 3 * KEPT, 10] {
            buffer.begin(2 * size.next_multiple_of(BLOCK));
            buffer.add(|bytes| bytes.resize(bytes.len() + size, 7));
            buffer.add(|bytes| bytes.push(8));
            let bytes = buffer.as_bytes();
            assert_eq!(bytes.as_ptr().align_offset(BLOCK), 0);
            let first = size.next_multiple_of(BLOCK);
            assert_eq!(bytes.len(), first + BLOCK);
            assert!(bytes[..size].iter().all(|byte| *byte == 7));
            assert!(bytes[size..first].iter().all(|byte| *byte == 0));
            assert_eq!(bytes[first], 8);
        }
    }
}
