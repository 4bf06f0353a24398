//! The fast reader of JSON as SDKs write it: about three times as fast as the library, which decides on all the rest.
//!
//! The text is a `str`, so it need not be looked at as UTF-8 again, and strings are gone through sixteen bytes at once.
//! What is not plainly right is not read here at all: [`read`] then answers `None`, and the library reads the text from
//! its start and finds the words for what is wrong with it. A property test holds both to one result.

use wide::u8x16;

use super::build::{Builder, Container, Key, Text};
use super::kind::Kind;
use super::parse::MAX_DEPTH;
use super::parse::escaped_unit;
use super::slot::Held;

/// Longer numbers are left to the library.
const LONGEST_NUMBER: usize = 64;

/// Reads one value from the start of a text, white space around it with it, into the builder; how many bytes that was.
pub(super) fn read(text: &str, build: &mut Builder<'_>) -> Option<usize> {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
        spaced: false,
        build,
    };
    let byte = reader.next()?;
    reader.value(byte, Key::default(), 0)?;
    let Reader { at, spaced, .. } = reader;
    if spaced {
        build.spaced();
    }
    Some(at)
}

struct Reader<'r, 's> {
    bytes: &'r [u8],
    /// The next byte to be read.
    at: usize,
    /// There was white space.
    spaced: bool,
    build: &'r mut Builder<'s>,
}

impl Reader<'_, '_> {
    /// The next byte that is no white space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if byte > b' ' {
                return Some(byte);
            }
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return None;
            }
            self.spaced = true;
        }
    }

    /// Reads the value that begins with this byte, which has been read.
    fn value(&mut self, byte: u8, key: Key, depth: usize) -> Option<u32> {
        if depth > MAX_DEPTH {
            return None;
        }
        match byte {
            b'"' => {
                let text = self.string()?;
                Some(self.build.string(key, text))
            }
            b'{' => self.object(key, depth),
            b'[' => self.array(key, depth),
            b'-' | b'0'..=b'9' => self.number(key),
            b't' => self.literal(b"rue", key, Held::Bool(true)),
            b'f' => self.literal(b"alse", key, Held::Bool(false)),
            b'n' => self.literal(b"ull", key, Held::Null),
            _ => None,
        }
    }

    fn object(&mut self, key: Key, depth: usize) -> Option<u32> {
        let mut object = self.build.open(key, Kind::Object);
        let mut byte = self.next()?;
        if byte != b'}' {
            loop {
                if byte != b'"' {
                    return None;
                }
                let text = self.string()?;
                let key = self.build.key(text);
                self.build.look(&mut object, key);
                if self.next()? != b':' {
                    return None;
                }
                byte = self.child(&mut object, key, depth)?;
                match byte {
                    b',' => byte = self.next()?,
                    b'}' => break,
                    _ => return None,
                }
            }
        }
        Some(self.build.close(&object))
    }

    fn array(&mut self, key: Key, depth: usize) -> Option<u32> {
        let mut array = self.build.open(key, Kind::Array);
        let mut byte = self.next()?;
        if byte != b']' {
            loop {
                let child = self.value(byte, Key::default(), depth + 1)?;
                self.build.append(&mut array, child);
                match self.next()? {
                    b',' => byte = self.next()?,
                    b']' => break,
                    _ => return None,
                }
            }
        }
        Some(self.build.close(&array))
    }

    /// Reads a member's value and the byte behind it.
    fn child(&mut self, object: &mut Container, key: Key, depth: usize) -> Option<u8> {
        let byte = self.next()?;
        let child = self.value(byte, key, depth + 1)?;
        self.build.append(object, child);
        self.next()
    }

    /// Reads a string behind its opening quote.
    #[inline]
    fn string(&mut self) -> Option<Text> {
        let start = self.at;
        self.at = self.special(start)?;
        match self.bytes.get(self.at)? {
            b'"' => {
                let text = self.build.plain(start, self.at - start);
                self.at += 1;
                Some(text)
            }
            b'\\' => self.escaped(start),
            _ => None,
        }
    }

    /// Where the next quote, backslash or control character is.
    #[inline]
    fn special(&self, mut at: usize) -> Option<usize> {
        while let Some(chunk) = self.bytes.get(at..).and_then(<[u8]>::first_chunk) {
            let chunk = u8x16::new(*chunk);
            let control = chunk.min(u8x16::splat(0x1f)).simd_eq(chunk);
            let found = chunk.simd_eq(u8x16::splat(b'"')) | chunk.simd_eq(u8x16::splat(b'\\')) | control;
            match found.to_bitmask() {
                0 => at += 16,
                bits => return Some(at + bits.trailing_zeros() as usize),
            }
        }
        let rest = self.bytes.get(at..)?;
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        rest.iter().position(special).map(|found| at + found)
    }

    /// Reads a string whose first backslash is next.
    #[cold]
    fn escaped(&mut self, start: usize) -> Option<Text> {
        let text = self.build.begin_unescaped();
        let mut copied = start;
        loop {
            // Both ends are beside characters of ASCII.
            let plain = std::str::from_utf8(self.bytes.get(copied..self.at)?).ok()?;
            self.build.unescaped().push_str(plain);
            match self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(self.build.end_unescaped(text));
                }
                b'\\' => {
                    let c = self.escape()?;
                    self.build.unescaped().push(c);
                    copied = self.at;
                    self.at = self.special(copied)?;
                }
                _ => return None,
            }
        }
    }

    /// Reads an escape.
    fn escape(&mut self) -> Option<char> {
        let (start, kind) = (self.at, *self.bytes.get(self.at + 1)?);
        self.at += 2;
        Some(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = u32::from(escaped_unit(self.bytes, start)?);
                self.at = start + 6;
                match (unit, escaped_unit(self.bytes, self.at).map(u32::from)) {
                    (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => {
                        self.at += 6;
                        char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))?
                    }
                    (0xD800..=0xDFFF, _) => {
                        // Half a character: the source does not say what is read.
                        self.build.changed();
                        char::REPLACEMENT_CHARACTER
                    }
                    _ => char::from_u32(unit)?,
                }
            }
            _ => return None,
        })
    }

    /// Reads a number whose first byte has been read.
    fn number(&mut self, key: Key) -> Option<u32> {
        let start = self.at - 1;
        let rest = self.bytes.get(start..)?;
        let mut at = usize::from(rest.first() == Some(&b'-'));
        let whole = digits(rest, at);
        if whole == 0 || (whole > 1 && rest.get(at) == Some(&b'0')) {
            return None;
        }
        at += whole;
        if rest.get(at) == Some(&b'.') {
            let fraction = digits(rest, at + 1);
            at += 1 + fraction;
            if fraction == 0 {
                return None;
            }
        }
        if matches!(rest.get(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(rest.get(at), Some(b'+' | b'-')));
            let exponent = digits(rest, at);
            at += exponent;
            if exponent == 0 {
                return None;
            }
        }
        if at > LONGEST_NUMBER {
            return None;
        }
        self.at = start + at;
        let text = self.build.plain(start, at);
        Some(self.build.number(key, text))
    }

    fn literal(&mut self, rest: &[u8], key: Key, held: Held) -> Option<u32> {
        let end = self.at + rest.len();
        if self.bytes.get(self.at..end)? != rest {
            return None;
        }
        self.at = end;
        Some(self.build.push(key, held))
    }
}

/// How many digits there are.
#[inline]
fn digits(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse::with_library;
    use super::super::{Document, Node};
    use super::*;

    const TEXT: &str = r#" {"event":"Order Completed","n":[0,-1,2.50,1e9,-0.0E-7,12345678901234567890],
	"none":null,"yes":true,"no":false,"":{},"a":[],"cut":"\uD83D\\\uDE00 \ud83d\uDE00 \"x","long":"sixteen or more characters of text, é ü 漢字",
        "escaped \"key\"":"\\\/\b\u00e9\ud83d\ude00","a":{"x":{"x":"http:\/\/shop.example\/?q=1"}}} "#;

    /// What a reader made of a text, value by value and written again.
    fn told(document: &Document) -> Vec<String> {
        fn tell(node: Node<'_>, all: &mut Vec<String>) {
            all.push(format!(
                "{} {:?} {:?} {:?} {} {}",
                node.key(),
                node.kind(),
                node.as_str().or(node.number_text()),
                node.as_bool(),
                node.len(),
                node.slot().key_mark.spread(),
            ));
            node.children().for_each(|child| tell(child, all));
        }
        let written = |document: &Document| {
            let mut written = Vec::new();
            document.root().write_to(&mut written);
            String::from_utf8(written).unwrap()
        };
        let source = document.to_json();
        let again = with_library(&source, Builder::new(&source, 0)).unwrap();
        let mut all = vec![written(document), written(&again)];
        tell(document.root(), &mut all);
        all
    }

    /// Whether a text is read; if it is, then as the library reads it.
    fn agrees(text: &str) -> bool {
        let mut build = Builder::new(text, 0);
        let Some(read) = super::read(text, &mut build) else {
            return false;
        };
        let text = &text[..read];
        let Ok(theirs) = with_library(text, Builder::new(text, 0)) else {
            panic!("the library refuses {text}")
        };
        assert_eq!(told(&build.finish(read)), told(&theirs), "{text}");
        true
    }

    #[test]
    fn what_it_reads_is_what_the_library_reads() {
        for length in 0..40 {
            assert!(agrees(&format!("{}{TEXT}", " ".repeat(length))));
            assert!(agrees(&format!(
                r#"{{"{}":"{}"}}"#,
                "k".repeat(length),
                "é".repeat(length)
            )));
            assert!(agrees(&format!("\"{}\\n\"", "x".repeat(length))));
        }
        for text in [
            "0 ",
            "-1.5",
            "true",
            "null",
            "[]",
            "{}",
            "\"\"",
            r#"{"a":1}, {"b"#,
            "[[[1]]]]",
        ] {
            assert!(agrees(text), "{text}");
        }
    }

    #[test]
    fn it_leaves_the_rest_to_the_library() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let long = "1".repeat(LONGEST_NUMBER + 1);
        for text in [
            "",
            " ",
            "x",
            "tru",
            "nul",
            "-",
            ".5",
            "1.",
            "1e",
            "+1",
            "[1,]",
            "[1 2]",
            "{,}",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "[",
            "{",
            "\"",
            "\"\\",
            "\"\\x\"",
            "\"\n\"",
            "\"\u{1f}sixteen characters\"",
            "\u{a0}1",
            "[1}",
            "{\"a\":1]",
            &deep,
            &long,
        ] {
            let mut build = Builder::new(text, 0);
            let read = super::read(text, &mut build);
            assert_eq!(read, None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn changed_texts_are_read_alike_or_left_to_the_library(
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), prop::sample::select(b"\"\\{}[],:0-.eEu1 ntx\n\x00\x1f".to_vec())),
                0..4,
            ),
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
            pad in 0usize..20,
        ) {
            let mut text: Vec<u8> = [vec![b' '; pad], TEXT.as_bytes().to_vec()].concat();
            for at in removed {
                text.remove(at.index(text.len()));
            }
            for (at, byte) in changes {
                let at = at.index(text.len());
                text[at] = byte;
            }
            agrees(&String::from_utf8_lossy(&text));
        }

        #[test]
        fn short_texts_are_read_alike_or_left_to_the_library(text in r#"[\[\]{}:,"a0-9.eE+\\ unltrfs-]{0,24}"#) {
            agrees(&text);
        }
    }
}
