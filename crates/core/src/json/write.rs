//! Writes a [`Document`] as text.

use super::document::{Document, Node};
use super::kind::Kind;
use super::slot::{NONE, Slot, TextRange};
use super::source::End;

impl Document {
    /// Appends the document as compact JSON; unedited parts keep their spelling.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        if self.source.is_whole() {
            return out.extend_from_slice(&self.buf.as_bytes()[..self.source.len()]);
        }
        let mut runs = Runs::new(self, out);
        self.root().write_edited(self.end(), &mut runs);
        runs.flush();
    }

    /// Returns the document as JSON text.
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(self.buf.len());
        self.write_to(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

impl Node<'_> {
    /// Appends this value as compact JSON; numbers keep their spelling.
    pub fn write_to(self, out: &mut Vec<u8>) {
        let mut runs = Runs::new(self.doc, out);
        self.write(&mut runs);
        runs.flush();
    }

    /// Writes a value that ends at `end` in the source, and copies its unedited members.
    fn write_edited(self, end: Option<End>, runs: &mut Runs<'_>) {
        let slot: &Slot = self.slot();
        let (open, close, whole) = match (slot.kind(), end) {
            (Kind::Object, Some(end)) => (b'{', b'}', end),
            (Kind::Array, Some(end)) => (b'[', b']', end),
            _ => return self.write(runs),
        };
        runs.byte(open);
        let mut at = slot.first();
        while at != NONE {
            if at != slot.first() {
                runs.byte(b',');
            }
            let child = Node { doc: self.doc, at };
            let slot = child.slot();
            let from = (slot.key().start as usize).saturating_sub(1);
            if let Some(next) = self.doc.can_copy_rest(self.at, at, whole) {
                runs.piece_until(from, whole.before_close());
                at = next;
                continue;
            }
            match self.doc.end_of(at, slot, whole) {
                Some(end) if self.doc.can_copy(at, slot, end) => runs.piece_until(from, end.text as usize),
                end => {
                    if open == b'{' {
                        self.doc.write_text(slot.key(), slot.plain_key(), runs);
                        runs.byte(b':');
                    }
                    child.write_edited(end, runs);
                }
            }
            at = slot.next;
        }
        runs.byte(close);
    }

    fn write(self, runs: &mut Runs<'_>) {
        let slot: &Slot = self.slot();
        match slot.kind() {
            Kind::Null => runs.literal(b"null"),
            Kind::Bool if slot.truth() => runs.literal(b"true"),
            Kind::Bool => runs.literal(b"false"),
            Kind::Number => runs.piece(slot.text().start as usize, slot.text().len as usize),
            Kind::String => self.doc.write_text(slot.text(), slot.plain(), runs),
            Kind::Array => {
                runs.byte(b'[');
                for (i, item) in self.children().enumerate() {
                    if i > 0 {
                        runs.byte(b',');
                    }
                    item.write(runs);
                }
                runs.byte(b']');
            }
            Kind::Object => {
                runs.byte(b'{');
                for (i, member) in self.children().enumerate() {
                    if i > 0 {
                        runs.byte(b',');
                    }
                    let slot = member.slot();
                    self.doc.write_text(slot.key(), slot.plain_key(), runs);
                    runs.byte(b':');
                    member.write(runs);
                }
                runs.byte(b'}');
            }
        }
    }
}

impl Document {
    fn write_text(&self, range: TextRange, plain: bool, runs: &mut Runs<'_>) {
        if plain {
            // In the source the text is between quotes.
            runs.piece((range.start as usize).saturating_sub(1), range.len as usize + 2);
        } else {
            runs.flush();
            write_json_string(self.text(range), runs.out);
        }
    }
}

/// A writer that copies long pieces of the document's text. Adjacent pieces are joined and copied at once, which is
/// most of a document also after edits.
struct Runs<'d> {
    /// Text of the document.
    buf: &'d [u8],
    /// Range of it that is to be copied next.
    start: usize,
    end: usize,
    out: &'d mut Vec<u8>,
}

impl<'d> Runs<'d> {
    fn new(document: &'d Document, out: &'d mut Vec<u8>) -> Runs<'d> {
        Runs {
            buf: document.buf.as_bytes(),
            start: 0,
            end: 0,
            out,
        }
    }

    /// Adds a piece of the document's text.
    #[inline]
    fn piece(&mut self, start: usize, len: usize) {
        self.piece_until(start, start + len);
    }

    #[inline]
    fn piece_until(&mut self, start: usize, end: usize) {
        if start != self.end {
            self.flush();
            self.start = start;
        }
        self.end = end;
    }

    /// Adds a byte between pieces, as a part of the current piece if the text continues with it.
    #[inline]
    fn byte(&mut self, byte: u8) {
        if self.start < self.end && self.buf.get(self.end) == Some(&byte) {
            self.end += 1;
        } else {
            self.flush();
            self.out.push(byte);
        }
    }

    fn literal(&mut self, text: &[u8]) {
        let rest = self.buf.get(self.end..).unwrap_or_default();
        if self.start < self.end && rest.starts_with(text) {
            self.end += text.len();
        } else {
            self.flush();
            self.out.extend_from_slice(text);
        }
    }

    fn flush(&mut self) {
        let run = self.buf.get(self.start..self.end).unwrap_or_default();
        self.out.extend_from_slice(run);
        self.start = self.end;
    }
}

/// Appends a string as JSON with its quotes. Escapes only the characters that JSON demands.
pub fn write_json_string(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    if is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
    } else {
        push_json_string(text, out);
    }
    out.push(b'"');
}

/// Appends a string's characters as they are written between the quotes of a JSON string.
pub fn push_json_string(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, escaped) = rest.split_at(plain_len(rest));
        out.extend_from_slice(plain);
        let Some((&byte, behind)) = escaped.split_first() else {
            return;
        };
        push_escape(byte, out);
        rest = behind;
    }
}

/// Returns true for a byte that needs an escape in a JSON string.
pub(super) fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Returns true if nothing needs an escape, as in nearly all texts. The last chunk overlaps the one before it, so that
/// no byte is checked alone.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk::<16>() {
        let (chunks, _) = bytes.as_chunks::<16>();
        return !chunks.iter().chain([last]).any(any_escape);
    }
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => !(any_escape(first) | any_escape(last)),
        _ => !bytes.iter().any(|&byte| needs_escape(byte)),
    }
}

/// Returns true if a byte needs an escape. Has no branch for each byte, so the compiler vectorises it.
pub(super) fn any_escape<const N: usize>(chunk: &[u8; N]) -> bool {
    chunk.iter().fold(false, |any, &byte| any | needs_escape(byte))
}

/// Returns the number of bytes before the first one that needs an escape.
fn plain_len(bytes: &[u8]) -> usize {
    let (chunks, _) = bytes.as_chunks::<16>();
    let plain = chunks.iter().take_while(|chunk| !any_escape(chunk)).count() * 16;
    let rest = bytes[plain..].iter().position(|&byte| needs_escape(byte));
    rest.map_or(bytes.len(), |at| plain + at)
}

fn push_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        0..=0x1f => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"\\u00");
            return out.extend_from_slice(&digits);
        }
        itself => itself,
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_found_wherever_it_stands() {
        for length in 0..50 {
            for byte in [b'"', b'\\', 0, 0x1f] {
                let mut bytes = "é~ ".repeat(length).into_bytes();
                assert!(is_plain(&bytes) && plain_len(&bytes) == bytes.len());
                for at in 0..bytes.len() {
                    let before = std::mem::replace(&mut bytes[at], byte);
                    assert!(!is_plain(&bytes), "{at} of {length}");
                    assert_eq!(plain_len(&bytes), at);
                    bytes[at] = before;
                }
            }
        }
    }
}
