//! A growable buffer for JSON output.

use super::write::{any_escape, needs_escape, push_json_string};

/// Spare bytes kept after the end: the largest piece that one store of constant length writes.
const ROOM: usize = 80;

/// JSON being written. There are always spare bytes after its end, so pieces are stored in constant lengths, a few
/// instructions each, and the next piece overwrites the surplus. A `Vec` would check its capacity and call memcpy for
/// each piece.
#[derive(Default)]
pub struct JsonWriter {
    /// The output and the spare bytes.
    bytes: Vec<u8>,
    len: usize,
}

impl JsonWriter {
    /// Clears the output and keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Returns the length of the output in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns true if the output is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the memory held in bytes.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns the output.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Shortens the output to `len` bytes.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Replaces a byte of the output.
    #[inline]
    pub fn replace(&mut self, at: usize, byte: u8) {
        if let Some(place) = self
            .bytes
            .get_mut(..self.len)
            .and_then(|written| written.get_mut(at))
        {
            *place = byte;
        }
    }

    /// Appends the first `len` bytes of a piece.
    #[inline]
    pub fn part<const N: usize>(&mut self, piece: &[u8; N], len: usize) {
        if self.bytes.len() - self.len < N {
            self.grow(N);
        }
        if let Some(place) = self.bytes.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut) {
            *place = *piece;
            self.len += len.min(N);
        }
    }

    /// Appends a byte.
    #[inline]
    pub fn byte(&mut self, byte: u8) {
        self.part(&[byte], 1);
    }

    /// Appends the output of a function that writes to a vector.
    pub fn with<R>(&mut self, append: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.bytes.truncate(self.len);
        let result = append(&mut self.bytes);
        self.len = self.bytes.len();
        self.bytes.resize(self.len + ROOM, 0);
        result
    }

    /// Appends a short text that needs no escapes, such as a number.
    #[inline]
    pub fn short(&mut self, text: &[u8]) {
        let place = self.room(text.len() + CHUNK);
        copy(text, place);
        self.len += text.len();
    }

    /// Appends a text as a JSON string with its quotes. Escapes only the characters that JSON demands.
    pub fn string(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let place = self.room(bytes.len() + CHUNK + 2);
        if let Some((quote, inner)) = place.split_first_mut()
            && copy(bytes, inner)
            && let Some(end) = inner.get_mut(bytes.len())
        {
            *quote = b'"';
            *end = b'"';
            self.len += bytes.len() + 2;
        } else {
            self.escaped(text);
        }
    }

    #[inline(never)]
    fn escaped(&mut self, text: &str) {
        self.byte(b'"');
        self.with(|out| push_json_string(text, out));
        self.byte(b'"');
    }

    /// Returns the spare bytes after the end, at least `len`.
    #[inline]
    fn room(&mut self, len: usize) -> &mut [u8] {
        if self.bytes.len() - self.len < len {
            self.grow(len);
        }
        self.bytes.get_mut(self.len..).unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, len: usize) {
        let needed = self.len + len.max(ROOM);
        if self.bytes.len() < needed {
            self.bytes.resize(needed.max(2 * self.bytes.len()), 0);
        }
    }
}

/// Length of a chunk that is copied at once.
const CHUNK: usize = 16;

/// Copies bytes to the start of a slice that is at least as long. Returns true if none of them needs an escape. Copies
/// and checks chunks of constant length; the last one overlaps the chunk before it.
#[inline(always)]
pub(crate) fn copy(from: &[u8], to: &mut [u8]) -> bool {
    if let Some(last) = from.last_chunk::<CHUNK>() {
        let mut escapes = any_escape(last);
        // Without iterator adapters, which are not inlined in every build.
        let (mut pieces, mut places) = (from.as_chunks::<CHUNK>().0, to.as_chunks_mut::<CHUNK>().0);
        while let ([piece, more @ ..], [place, room @ ..]) = (pieces, places) {
            *place = *piece;
            escapes |= any_escape(piece);
            (pieces, places) = (more, room);
        }
        put(to, from.len() - CHUNK, last);
        return !escapes;
    }
    if let (Some(first), Some(last)) = (from.first_chunk::<8>(), from.last_chunk::<8>()) {
        put(to, 0, first);
        put(to, from.len() - 8, last);
        return !(any_escape(first) | any_escape(last));
    }
    if let (Some(first), Some(last)) = (from.first_chunk::<4>(), from.last_chunk::<4>()) {
        put(to, 0, first);
        put(to, from.len() - 4, last);
        return !(any_escape(first) | any_escape(last));
    }
    for (at, byte) in from.iter().enumerate() {
        put(to, at, &[*byte]);
    }
    !from.iter().any(|&byte| needs_escape(byte))
}

#[inline]
fn put<const N: usize>(to: &mut [u8], at: usize, piece: &[u8; N]) {
    if let Some(place) = to.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = *piece;
    }
}

#[cfg(test)]
mod tests {
    use super::super::write_json_string;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_follow_each_other() {
        let mut out = JsonWriter::default();
        for round in 0..200 {
            out.clear();
            let mut expected = Vec::new();
            for at in 0..round {
                out.part(b"abcdef", at % 8);
                expected.extend_from_slice(&b"abcdef"[..(at % 8).min(6)]);
                out.byte(b'-');
                out.short(&b"0123456789012345678901234567890123456789"[..at % 40]);
                out.with(|out| out.push(b'.'));
                expected.push(b'-');
                expected.extend_from_slice(&b"0123456789012345678901234567890123456789"[..at % 40]);
                expected.push(b'.');
            }
            assert_eq!(out.as_bytes(), expected);
        }
        let len = out.len();
        out.replace(0, b'+');
        out.replace(len, b'+');
        out.truncate(2);
        out.truncate(10);
        assert_eq!((out.as_bytes(), out.len()), (&b"+."[..], 2));
    }

    proptest! {
        #[test]
        fn strings_are_written_as_elsewhere(texts in prop::collection::vec("[a-z\"\\\\\\n\u{1}é😀]{0,3}|[ -~]{0,70}|é{0,40}", 0..20)) {
            let (mut out, mut expected) = (JsonWriter::default(), Vec::new());
            for text in &texts {
                out.string(text);
                write_json_string(text, &mut expected);
            }
            prop_assert_eq!(out.as_bytes(), expected);
        }
    }
}
