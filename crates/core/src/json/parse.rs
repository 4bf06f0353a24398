//! Parses text to a [`Document`].

use serde::de::IgnoredAny;

use super::build::Builder;
use super::document::{Document, NodeId};
use super::reader::{self, MAX_DEPTH, Refused};
use super::slot::TOO_LONG;

/// The reason why a text is not a usable JSON document. Never shows the text itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A syntax error.
    #[error("not valid JSON: {what} at byte {at}")]
    Syntax {
        /// Description of the unexpected input.
        what: String,
        /// Position in bytes from the start.
        at: usize,
    },
    /// Arrays and objects nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A text of 128 MiB or more.
    #[error("longer than 128 MiB")]
    TooLong,
}

/// A document read from a text that may hold `NaN`, `Infinity` or `-Infinity` as values. JSON has no such numbers, yet
/// Python's `json` writes them by default.
#[derive(Debug)]
pub struct Lenient {
    /// The document, with null in their place.
    pub document: Document,
    /// These values in the document's order; mostly none.
    pub not_numbers: Vec<NodeId>,
}

impl From<Document> for Lenient {
    fn from(document: Document) -> Lenient {
        Lenient {
            document,
            not_numbers: Vec::new(),
        }
    }
}

impl Document {
    /// Parses one JSON value. Lone surrogate escapes (`"\ud83d"`, which JavaScript writes for a string that is cut
    /// inside an emoji) become U+FFFD. The last of repeated keys wins. Numbers keep their spelling.
    ///
    /// # Errors
    /// [`ParseError`] for text that is not JSON, too deep or too long.
    pub fn parse(text: &str) -> Result<Document, ParseError> {
        let read = Document::parse_lenient(text)?;
        if read.not_numbers.is_empty() {
            Ok(read.document)
        } else {
            Err(syntax_error(text))
        }
    }

    /// Parses as [`Document::parse`] does, but takes `NaN`, `Infinity` and `-Infinity` for null where a value is due.
    ///
    /// # Errors
    /// [`ParseError`] for text that is not JSON otherwise, too deep or too long.
    pub fn parse_lenient(text: &str) -> Result<Lenient, ParseError> {
        if text.len() >= TOO_LONG {
            return Err(ParseError::TooLong);
        }
        let mut build = Builder::new(text, text.len() / BYTES_A_VALUE);
        match reader::read(text, &mut build) {
            Ok(read) if is_blank(&text[read..]) => {
                if read < text.len() {
                    build.spaced();
                }
                Ok(Lenient {
                    not_numbers: build.not_numbers(),
                    document: build.finish(text.len()),
                })
            }
            Err(Refused::TooDeep) => Err(ParseError::TooDeep),
            Ok(_) | Err(Refused::Syntax) => Err(syntax_error(text)),
        }
    }

    /// Parses the value at the start of a text as [`Document::parse_lenient`] does, ignores the text after it, and returns
    /// its length in bytes; `None` without a value. Made for many values in a row, each about as large as the `last`.
    pub fn parse_next(text: &str, last: Option<&Document>) -> Option<(Lenient, usize)> {
        let text = text.get(..text.len().min(TOO_LONG - 1))?;
        let expected = last.map_or(TYPICAL, |last| last.slots.len() + last.slots.len() / 16);
        let mut build = Builder::new(text, expected);
        let read = reader::read(text, &mut build).ok()?;
        let read_leniently = Lenient {
            not_numbers: build.not_numbers(),
            document: build.finish(read),
        };
        Some((read_leniently, read))
    }
}

/// Events have a value every fifteen to twenty bytes. Surplus capacity would be given back for each event.
const BYTES_A_VALUE: usize = 16;

/// Number of values of a typical event.
const TYPICAL: usize = 128;

fn is_blank(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Returns the error of a refused text in serde_json's words. These name the grammar, never the text.
#[cold]
fn syntax_error(text: &str) -> ParseError {
    let Err(error) = serde_json::from_str::<IgnoredAny>(text) else {
        return ParseError::Syntax {
            what: "an unexpected character".into(),
            at: 0,
        };
    };
    let words = error.to_string();
    let what = words
        .split_once(" at line ")
        .map_or(words.as_str(), |(what, _)| what);
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    ParseError::Syntax {
        what: what.into(),
        at: lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1),
    }
}
