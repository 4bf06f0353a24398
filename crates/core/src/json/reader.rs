//! The JSON parser: one pass over a `str`, which is UTF-8 already, with sixteen bytes at once in strings.
//!
//! It keeps the spelling of numbers, replaces half a surrogate pair by U+FFFD and refuses everything else that is not
//! JSON. A property test compares it with serde_json, which also words the error of a refused text. `NaN`, `Infinity` and
//! `-Infinity` read as null, and the builder lists them; strict callers refuse a document that has any.

use wide::u8x16;

use super::build::{Builder, Container, Key, TextRef};
use super::kind::Kind;
use super::slot::Held;

/// Maximum nesting of arrays and objects. Deeper text is refused, so that later recursion is bounded; the Tracking API
/// documents no limit, and real events stay below ten.
pub const MAX_DEPTH: usize = 100;

/// The reason why a text holds no readable value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The text is not JSON.
    Syntax,
    /// The value nests deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// Reads the first value of a text into the builder, with the white space before it. Returns the bytes read.
pub(super) fn read(text: &str, build: &mut Builder<'_>) -> Result<usize, Refused> {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
        spaced: false,
        too_deep: false,
        build,
    };
    if reader.root().is_none() {
        return Err(if reader.too_deep {
            Refused::TooDeep
        } else {
            Refused::Syntax
        });
    }
    let Reader { at, spaced, .. } = reader;
    if spaced {
        build.spaced();
    }
    Ok(at)
}

struct Reader<'r, 's> {
    bytes: &'r [u8],
    /// Index of the next byte.
    at: usize,
    /// White space was skipped.
    spaced: bool,
    /// A value nests too deep, and the rest was not read.
    too_deep: bool,
    build: &'r mut Builder<'s>,
}

impl Reader<'_, '_> {
    /// Takes the next byte that is not white space.
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

    fn root(&mut self) -> Option<u32> {
        let byte = self.next()?;
        self.value(byte, Key::default(), 0)
    }

    /// Reads the value that begins with `byte`, which is taken already.
    fn value(&mut self, byte: u8, key: Key, depth: usize) -> Option<u32> {
        if depth > MAX_DEPTH {
            self.too_deep = true;
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
            b'N' => self.not_a_number(b"aN", key),
            b'I' => self.not_a_number(b"nfinity", key),
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

    /// Reads a member's value and takes the byte after it.
    fn child(&mut self, object: &mut Container, key: Key, depth: usize) -> Option<u8> {
        let byte = self.next()?;
        let child = self.value(byte, key, depth + 1)?;
        self.build.append(object, child);
        self.next()
    }

    /// Reads a string after its opening quote.
    #[inline]
    fn string(&mut self) -> Option<TextRef> {
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

    /// Returns the index of the next quote, backslash or control character.
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

    /// Reads the rest of a string from its first backslash on.
    #[cold]
    fn escaped(&mut self, start: usize) -> Option<TextRef> {
        let text = self.build.begin_unescaped();
        let mut copied = start;
        loop {
            // Both ends of the range are next to ASCII characters.
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
                        // Half of a surrogate pair: the text read differs from its source.
                        self.build.changed();
                        char::REPLACEMENT_CHARACTER
                    }
                    _ => char::from_u32(unit)?,
                }
            }
            _ => return None,
        })
    }

    /// Reads a number, whose first byte is taken already.
    fn number(&mut self, key: Key) -> Option<u32> {
        let start = self.at - 1;
        let rest = self.bytes.get(start..)?;
        let mut at = usize::from(rest.first() == Some(&b'-'));
        let whole = digits(rest, at);
        if whole == 0 {
            return self.not_a_number(b"Infinity", key);
        }
        if whole > 1 && rest.get(at) == Some(&b'0') {
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

    /// Reads the rest of a number that JSON cannot write.
    #[cold]
    fn not_a_number(&mut self, rest: &[u8], key: Key) -> Option<u32> {
        let at = self.literal(rest, key, Held::Null)?;
        self.build.not_a_number(at);
        Some(at)
    }
}

/// Counts the digits from an index on.
#[inline]
fn digits(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Returns the UTF-16 unit of a `\u` escape that starts at `start`.
fn escaped_unit(bytes: &[u8], start: usize) -> Option<u16> {
    let escape = bytes.get(start..start + 6)?;
    if &escape[..2] != b"\\u" || !escape[2..].iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(&escape[2..]).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use serde_json::Value;

    use super::super::{Content, Document, KeyMark, Node};
    use super::*;

    const TEXT: &str = r#" {"event":"Order Completed","n":[0,-1,2.50,1e9,-0.0E-7,12345678901234567890],
	"none":null,"yes":true,"no":false,"":{},"a":[],"cut":"\uD83D\\\uDE00 \ud83d\uDE00 \"x","long":"sixteen or more characters of text, é ü 漢字",
        "escaped \"key\"":"\\\/\b\u00e9\ud83d\ude00","a":{"x":{"x":"http:\/\/shop.example\/?q=1"}}} "#;

    /// Rewrites `\uD8xx` escapes without a partner to `\uFFFD`, and leaves everything else unchanged.
    fn replace_lone_surrogates(text: &str) -> String {
        let bytes = text.as_bytes();
        let mut out = String::with_capacity(text.len());
        let (mut copied, mut at) = (0, 0);
        while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
            let start = at + found;
            at = start + 2;
            match escaped_unit(bytes, start) {
                Some(0xD800..=0xDBFF) if matches!(escaped_unit(bytes, start + 6), Some(0xDC00..=0xDFFF)) => {
                    at = start + 12;
                }
                Some(0xD800..=0xDFFF) => {
                    out.push_str(&text[copied..start]);
                    out.push_str("\\ufffd");
                    at = start + 6;
                    copied = at;
                }
                _ => {}
            }
            at = at.min(bytes.len());
        }
        out.push_str(&text[copied..]);
        out
    }

    /// Compares a value with serde_json's, members in any order, and the mark of each key with the key.
    fn same(node: Node<'_>, theirs: &Value) -> bool {
        match (node.content(), theirs) {
            (Content::Null, Value::Null) => true,
            (Content::Bool(ours), Value::Bool(theirs)) => ours == *theirs,
            (Content::Number(ours), Value::Number(theirs)) => {
                serde_json::from_str::<serde_json::Number>(ours).is_ok_and(|ours| ours == *theirs)
            }
            (Content::String(ours), Value::String(theirs)) => ours == theirs,
            (Content::Array, Value::Array(theirs)) => {
                node.len() == theirs.len()
                    && node.items().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
            }
            (Content::Object, Value::Object(theirs)) => {
                node.len() == theirs.len()
                    && node.members().all(|(key, ours)| {
                        ours.key_mark() == KeyMark::of(key)
                            && theirs.get(key).is_some_and(|theirs| same(ours, theirs))
                    })
            }
            _ => false,
        }
    }

    /// Parses a text and compares it with serde_json, the document itself and its written form. Returns false if it is
    /// refused.
    fn agrees(text: &str) -> bool {
        let oracle = |text: &str| serde_json::from_str::<Value>(&replace_lone_surrogates(text));
        let mut build = Builder::new(text, 0);
        let Ok(read) = read(text, &mut build) else {
            assert!(oracle(text).is_err(), "serde_json reads {text}");
            return false;
        };
        if !build.not_numbers().is_empty() {
            assert!(oracle(&text[..read]).is_err(), "serde_json reads {text}");
            return false;
        }
        let document = build.finish(read);
        match oracle(&text[..read]) {
            Ok(theirs) => {
                assert!(same(document.root(), &theirs), "{text}");
                let written: Value = serde_json::from_str(&document.to_json()).unwrap();
                assert_eq!(written, theirs, "{text}");
            }
            Err(error) => assert!(error.to_string().contains("out of range"), "{text}: {error}"),
        }
        true
    }

    #[test]
    fn what_it_reads_is_what_serde_json_reads() {
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
            r#"{"a":1} , {"b"#,
            "[[[1]]] ]",
        ] {
            assert!(agrees(text), "{text}");
        }
    }

    #[test]
    fn numbers_of_any_length_keep_their_spelling() {
        for text in [
            "1".repeat(65),
            "9".repeat(5_000),
            format!("0.{}e-7", "1".repeat(300)),
        ] {
            let document = Document::parse(&text).unwrap();
            assert_eq!(document.root().number_text(), Some(text.as_str()));
        }
    }

    #[test]
    fn it_refuses_what_is_not_json() {
        let deep = "[".repeat(200) + &"]".repeat(200);
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
        ] {
            assert!(!agrees(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn changed_texts_are_read_alike(
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), prop::sample::select(b"\"\\{}[],:0-.eEu1 ntxNI\n\x00\x1f".to_vec())),
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
        fn short_texts_are_read_alike(text in r#"([\[\]{}:,"a0-9.eE+\\ unltrfs-]|NaN|-?Infinity){0,24}"#) {
            agrees(&text);
        }
    }
}
