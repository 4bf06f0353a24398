//! Where the objects of an array begin and end, found without reading what they hold: sixty-four bytes at once.
//!
//! This proves nothing. Braces are paired by their number only, so each object that is found must be parsed; if all of
//! them are JSON, they stand where any parser would have found them.

use std::ops::Range;

use wide::u8x16;

/// Bytes looked at at once, a bit for each.
const BLOCK: usize = 64;

/// The objects of an array that starts at `at`, no more than `most`, and where it ends. `None` if it holds anything
/// else, has more, or does not end.
pub(super) fn objects(text: &str, at: usize, most: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let mut found = Vec::new();
    let mut strings = Strings::default();
    let (mut depth, mut start, mut after) = (0usize, at, at + 1);
    let bytes = text.as_bytes();
    if bytes.get(at) != Some(&b'[') {
        return None;
    }
    for (number, block) in bytes.get(at..)?.chunks(BLOCK).enumerate() {
        let offset = at + number * BLOCK;
        let marks = Marks::of(block);
        let outside = !strings.next(&marks);
        let mut braces = (marks.opening | marks.closing) & outside;
        while braces != 0 {
            let bit = braces & braces.wrapping_neg();
            let place = offset + braces.trailing_zeros() as usize;
            braces ^= bit;
            if marks.opening & bit != 0 {
                if depth == 1 {
                    start = place;
                }
                depth += 1;
                continue;
            }
            depth = depth.checked_sub(1)?;
            if depth == 1 {
                // Between two of them stands a comma, before the first nothing.
                let wanted = if found.is_empty() { "" } else { "," };
                if found.len() == most || blank(text.get(after..start)?) != wanted {
                    return None;
                }
                after = place + 1;
                found.push(start..after);
            } else if depth == 0 {
                let closed = bytes.get(place) == Some(&b']') && blank(text.get(after..place)?).is_empty();
                return closed.then_some((found, place + 1));
            }
        }
    }
    None
}

/// Without JSON's white space at both ends.
pub(super) fn blank(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// Which bytes of a block are what.
struct Marks {
    quotes: u64,
    backslashes: u64,
    opening: u64,
    closing: u64,
}

impl Marks {
    fn of(block: &[u8]) -> Marks {
        let mut padded = [0; BLOCK];
        let bytes = match block.first_chunk() {
            Some(bytes) => bytes,
            None => {
                padded[..block.len()].copy_from_slice(block);
                &padded
            }
        };
        let mut marks = Marks {
            quotes: 0,
            backslashes: 0,
            opening: 0,
            closing: 0,
        };
        for (number, part) in bytes.as_chunks::<16>().0.iter().enumerate() {
            let part = u8x16::new(*part);
            // `[` and `{`, `]` and `}` differ in this bit only.
            let folded = part | u8x16::splat(0x20);
            let at = number * 16;
            let bits = |equal: u8x16| u64::from(equal.to_bitmask()) << at;
            marks.quotes |= bits(part.simd_eq(u8x16::splat(b'"')));
            marks.backslashes |= bits(part.simd_eq(u8x16::splat(b'\\')));
            marks.opening |= bits(folded.simd_eq(u8x16::splat(b'{')));
            marks.closing |= bits(folded.simd_eq(u8x16::splat(b'}')));
        }
        marks
    }
}

/// Where strings are, from one block to the next.
#[derive(Default)]
struct Strings {
    /// All ones within a string.
    inside: u64,
    /// One if the next byte is escaped.
    escaped: u64,
}

impl Strings {
    /// The bytes of a block that stand in strings, the opening quotes with them.
    fn next(&mut self, marks: &Marks) -> u64 {
        let mut escaped = self.escaped;
        self.escaped = 0;
        let mut backslashes = marks.backslashes & !escaped;
        while backslashes != 0 {
            let bit = backslashes & backslashes.wrapping_neg();
            self.escaped = bit >> 63;
            escaped |= bit << 1;
            backslashes &= !(bit | bit << 1);
        }
        // Each bit becomes the parity of those up to it.
        let mut inside = marks.quotes & !escaped;
        for shift in [1, 2, 4, 8, 16, 32] {
            inside ^= inside << shift;
        }
        inside ^= self.inside;
        self.inside = ((inside as i64) >> 63) as u64;
        inside
    }
}
