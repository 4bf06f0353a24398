//! Text to [`Document`].

use jiter::{Jiter, JsonErrorType, Peek};

use super::build::{Builder, Key};
use super::document::Document;
use super::fast;
use super::kind::Kind;
use super::slot::{Held, TOO_LONG};

/// How deep arrays and objects may nest. Deeper text is refused, so that nothing later recurses without
/// bound; the Tracking API documents no limit, real events stay below ten.
pub const MAX_DEPTH: usize = 100;

/// Why a text is not a usable JSON document. Never shows the text itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not JSON.
    #[error("not valid JSON: {what} at byte {at}")]
    Syntax {
        /// What the parser met.
        what: String,
        /// Where, in bytes from the start.
        at: usize,
    },
    /// Arrays and objects nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// 128 MiB or more.
    #[error("longer than 128 MiB")]
    TooLong,
}

impl Document {
    /// Parses one JSON value. Lone surrogate escapes (`"\ud83d"`, which JavaScript writes when a string is
    /// cut inside an emoji) become U+FFFD. Of members with one key the last wins. Numbers keep their spelling.
    ///
    /// # Errors
    /// [`ParseError`] for text that is not JSON, too deep or too long.
    pub fn parse(text: &str) -> Result<Document, ParseError> {
        if text.len() >= TOO_LONG {
            return Err(ParseError::TooLong);
        }
        let mut build = Builder::new(text, text.len() / BYTES_A_VALUE);
        match fast::read(text, &mut build) {
            Some(read) if is_blank(&text[read..]) => {
                if read < text.len() {
                    build.spaced();
                }
                return Ok(build.finish(text.len()));
            }
            _ => build.restart(),
        }
        with_library(text, build)
    }

    /// Reads the value at the start of a text, whatever stands behind it, and says how many bytes it takes. Not all JSON
    /// is read, only what is written as programs write it: `None` says nothing about the text, for which there is
    /// [`Document::parse`]. Made for many values one after the other, of which each is about as large as the `last`.
    pub fn parse_next(text: &str, last: Option<&Document>) -> Option<(Document, usize)> {
        let text = text.get(..text.len().min(TOO_LONG - 1))?;
        let expected = last.map_or(TYPICAL, |last| last.slots.len() + last.slots.len() / 16);
        let mut build = Builder::new(text, expected);
        let read = fast::read(text, &mut build)?;
        Some((build.finish(read), read))
    }
}

/// Reads with the library.
pub(super) fn with_library(text: &str, build: Builder<'_>) -> Result<Document, ParseError> {
    match carefully(text, build) {
        Err(Failure::Surrogate) => {
            let text = replace_lone_surrogates(text);
            carefully(&text, Builder::new(&text, text.len() / BYTES_A_VALUE)).map_err(Failure::into_error)
        }
        other => other.map_err(Failure::into_error),
    }
}

/// Events have a value every fifteen to twenty bytes. With more room than is needed, it would be given back for each.
const BYTES_A_VALUE: usize = 16;

/// Values of an event, if nothing is known about it.
const TYPICAL: usize = 128;

fn is_blank(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

enum Failure {
    Surrogate,
    Error(ParseError),
}

impl Failure {
    fn into_error(self) -> ParseError {
        match self {
            Failure::Error(error) => error,
            Failure::Surrogate => ParseError::Syntax {
                what: "a lone surrogate".into(),
                at: 0,
            },
        }
    }
}

impl From<jiter::JiterError> for Failure {
    fn from(error: jiter::JiterError) -> Self {
        use JsonErrorType as E;
        match error.error_type {
            jiter::JiterErrorType::JsonError(
                E::LoneLeadingSurrogateInHexEscape | E::UnexpectedEndOfHexEscape | E::InvalidUnicodeCodePoint,
            ) => Failure::Surrogate,
            jiter::JiterErrorType::JsonError(kind) => Failure::Error(ParseError::Syntax {
                what: kind.to_string(),
                at: error.index,
            }),
            jiter::JiterErrorType::WrongType { .. } => Failure::Error(ParseError::Syntax {
                what: "an unexpected token".into(),
                at: error.index,
            }),
        }
    }
}

fn carefully(text: &str, mut build: Builder<'_>) -> Result<Document, Failure> {
    build.spaced();
    let mut jiter = Jiter::new(text.as_bytes());
    let peek = jiter.peek()?;
    value(&mut build, &mut jiter, peek, Key::default(), 0)?;
    jiter.finish()?;
    Ok(build.finish(text.len()))
}

/// Appends the next value and returns its slot.
fn value(
    build: &mut Builder<'_>,
    jiter: &mut Jiter<'_>,
    peek: Peek,
    key: Key,
    depth: usize,
) -> Result<u32, Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::Error(ParseError::TooDeep));
    }
    Ok(match peek {
        Peek::Null => {
            jiter.known_null()?;
            build.push(key, Held::Null)
        }
        Peek::True | Peek::False => {
            let truth = jiter.known_bool(peek)?;
            build.push(key, Held::Bool(truth))
        }
        Peek::String => {
            let text = build.lent(jiter.known_str()?);
            build.string(key, text)
        }
        Peek::Array => {
            let mut array = build.open(key, Kind::Array);
            let mut next = jiter.known_array()?;
            while let Some(peek) = next {
                let child = value(build, jiter, peek, Key::default(), depth + 1)?;
                build.append(&mut array, child);
                next = jiter.array_step()?;
            }
            build.close(&array)
        }
        Peek::Object => {
            let mut object = build.open(key, Kind::Object);
            let mut name = jiter.known_object()?.map(|name| build.lent(name));
            while let Some(text) = name {
                let key = build.key(text);
                build.look(&mut object, key);
                let peek = jiter.peek()?;
                let child = value(build, jiter, peek, key, depth + 1)?;
                build.append(&mut object, child);
                name = jiter.next_key()?.map(|name| build.lent(name));
            }
            build.close(&object)
        }
        _ => {
            let start = jiter.current_index();
            let len = jiter.known_number_bytes(peek)?.len();
            let text = build.plain(start, len);
            build.number(key, text)
        }
    })
}

/// Rewrites `\uD8xx` escapes that have no partner to `\uFFFD`, leaving everything else as it is.
pub(super) fn replace_lone_surrogates(text: &str) -> String {
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

/// The UTF-16 unit of a `\u` escape that starts at `start`.
pub(super) fn escaped_unit(bytes: &[u8], start: usize) -> Option<u16> {
    let escape = bytes.get(start..start + 6)?;
    if &escape[..2] != b"\\u" || !escape[2..].iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(&escape[2..]).ok()?, 16).ok()
}
