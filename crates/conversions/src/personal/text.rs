//! Characters: lower-casing, invisible characters, digits of other scripts.

use signalbox_segment::value::is_js_space;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Characters that show nothing and that copying and pasting brings in: zero-width blanks and joiners, the soft
/// hyphen, direction marks, variation selectors.
///
/// The joiners are letters' business in some scripts, but the same name is written with and without them.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{fe00}'..='\u{fe0f}'
    )
}

/// Removes all white space and lower-cases, as `text.replace(/\s/g, '').toLowerCase()` does.
pub(super) fn squeeze(text: &str, out: &mut String) {
    let bytes = Bytes::of(text);
    if bytes.is_ascii() {
        squeeze_ascii(text, bytes, out);
    } else {
        lower(text.chars().filter(|&c| !is_js_space(c)), bytes, out);
    }
}

/// Lower-cases, as `toLowerCase` does.
pub(super) fn lower_case(text: &str, out: &mut String) {
    lower(text.chars(), Bytes::of(text), out);
}

/// [`squeeze`], and further: no invisible characters, Unicode NFC. `out` must be empty.
pub(super) fn clean(text: &str, out: &mut String) {
    let bytes = Bytes::of(text);
    if bytes.is_ascii() {
        squeeze_ascii(text, bytes, out);
        return;
    }
    lower(
        text.chars().filter(|&c| !is_js_space(c) && !is_invisible(c)),
        bytes,
        out,
    );
    // Composing comes last: a removed character may have stood between a letter and its accent, and lower-casing can
    // leave a letter decomposed. Lower-casing and composing may be swapped, a property test holds that.
    if !is_composed(out) && is_nfc_quick(out.chars()) != IsNormalized::Yes {
        *out = out.nfc().collect();
    }
}

/// [`clean`], with one blank between each two words. `out` must be empty.
pub(super) fn clean_words(text: &str, out: &mut String) {
    for word in text.split(is_js_space) {
        let before = out.len();
        if before > 0 {
            out.push(' ');
        }
        let start = out.len();
        lower(word.chars().filter(|&c| !is_invisible(c)), Bytes::of(word), out);
        if out.len() == start {
            out.truncate(before);
        }
    }
    if !is_composed(out) && is_nfc_quick(out.chars()) != IsNormalized::Yes {
        *out = out.nfc().collect();
    }
}

/// The classes of bytes in a text, found in one pass.
#[derive(Clone, Copy)]
struct Bytes(u8);

impl Bytes {
    /// The highest bit is that of bytes outside ASCII.
    const OUTSIDE: u8 = 0x80;
    /// White space and control characters.
    const BLANK: u8 = 1;
    const UPPER: u8 = 2;
    /// The first byte of some Greek letters, of Σ among them.
    const GREEK: u8 = 4;

    fn of(text: &str) -> Bytes {
        let bytes = text.as_bytes();
        // Pieces of one length, without a branch for each byte, are looked at as a whole. The last one begins before the
        // end of the one before it.
        if let Some(last) = bytes.last_chunk::<16>() {
            let pieces = bytes.as_chunks::<16>().0;
            return pieces
                .iter()
                .fold(Bytes::all(last), |all, piece| all.and(Bytes::all(piece)));
        }
        match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
            (Some(first), Some(last)) => Bytes::all(first).and(Bytes::all(last)),
            _ => bytes
                .iter()
                .fold(Bytes(0), |all, &byte| all.and(Bytes::one(byte))),
        }
    }

    #[inline]
    fn all<const N: usize>(piece: &[u8; N]) -> Bytes {
        piece
            .iter()
            .fold(Bytes(0), |all, &byte| all.and(Bytes::one(byte)))
    }

    #[inline]
    fn one(byte: u8) -> Bytes {
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        Bytes(
            byte & Bytes::OUTSIDE
                | flag(byte <= b' ', Bytes::BLANK)
                | flag(byte.is_ascii_uppercase(), Bytes::UPPER)
                | flag(byte == 0xce, Bytes::GREEK),
        )
    }

    #[inline]
    fn and(self, other: Bytes) -> Bytes {
        Bytes(self.0 | other.0)
    }

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    fn is_ascii(self) -> bool {
        !self.has(Bytes::OUTSIDE)
    }
}

/// Returns true if all characters are below U+0300, the first combining character. Texts of most European languages
/// are.
fn is_composed(text: &str) -> bool {
    const FIRST: u8 = 0xcc;
    text.bytes().all(|byte| byte < FIRST)
}

fn squeeze_ascii(text: &str, bytes: Bytes, out: &mut String) {
    if bytes.has(Bytes::BLANK) {
        for part in text.split(is_js_space) {
            out.push_str(part);
        }
    } else {
        out.push_str(text);
    }
    if bytes.has(Bytes::UPPER) {
        out.make_ascii_lowercase();
    }
}

/// Lower case without locale, as `toLowerCase`. Only Σ depends on its neighbours (ς at the end of a word).
fn lower(chars: impl Iterator<Item = char> + Clone, bytes: Bytes, out: &mut String) {
    if bytes.has(Bytes::GREEK) && chars.clone().any(|c| c == 'Σ') {
        out.push_str(&chars.collect::<String>().to_lowercase());
        return;
    }
    for c in chars {
        match c {
            _ if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            // Western European letters in lower case, which are their own.
            'ß'..='ÿ' => out.push(c),
            _ => out.extend(c.to_lowercase()),
        }
    }
}

/// The value of a decimal digit of any script (Unicode category Nd), as an ASCII digit.
pub(crate) fn ascii_digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c);
    }
    let code = c as u32;
    let i = ZEROS.partition_point(|&zero| zero <= code);
    let offset = code - ZEROS[..i].last()?;
    char::from_digit(offset, 10)
}

/// The zero of every row of ten decimal digits outside ASCII, ascending (Unicode 16).
const ZEROS: [u32; 76] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730,
    0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11de0, 0x11f50, 0x16130, 0x16a60, 0x16ac0,
    0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0,
    0x1e5f1, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use unicode_normalization::char::canonical_combining_class;

    use super::*;

    #[test]
    fn letters_in_lower_case_are_their_own() {
        for c in '\0'..=char::MAX {
            let (mut lowered, text) = (String::new(), String::from(c));
            lower(text.chars(), Bytes::of(&text), &mut lowered);
            assert_eq!(lowered, text.to_lowercase(), "{c:?}");
        }
    }

    #[test]
    fn bytes_are_seen_wherever_they_stand() {
        for length in 1..50 {
            for (byte, flag) in [
                (' ', Bytes::BLANK),
                ('\0', Bytes::BLANK),
                ('A', Bytes::UPPER),
                ('Z', Bytes::UPPER),
            ] {
                for at in 0..length {
                    let text: String = (0..length).map(|i| if i == at { byte } else { 'x' }).collect();
                    assert_eq!(Bytes::of(&text).0, flag, "{byte:?} at {at} of {length}");
                }
            }
            let text = format!("{}Σ", "x".repeat(length));
            assert!(Bytes::of(&text).has(Bytes::GREEK) && !Bytes::of(&text).is_ascii());
        }
        assert_eq!(Bytes::of("").0, 0);
    }

    #[test]
    fn what_is_taken_for_composed_can_be_joined_to_nothing() {
        for c in '\0'..=char::MAX {
            if is_composed(c.encode_utf8(&mut [0; 4])) {
                assert_eq!(is_nfc_quick([c].into_iter()), IsNormalized::Yes, "{c:?}");
                assert_eq!(canonical_combining_class(c), 0, "{c:?}");
            }
        }
        assert!(is_composed("José") && !is_composed("Jose\u{301}"));
    }
}
