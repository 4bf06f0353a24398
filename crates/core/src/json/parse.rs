//! Text to [`Document`].

use serde::de::IgnoredAny;

use super::build::Builder;
use super::document::Document;
use super::reader::{self, MAX_DEPTH, Refused};
use super::slot::TOO_LONG;

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
        match reader::read(text, &mut build) {
            Ok(read) if is_blank(&text[read..]) => {
                if read < text.len() {
                    build.spaced();
                }
                Ok(build.finish(text.len()))
            }
            Err(Refused::TooDeep) => Err(ParseError::TooDeep),
            Ok(_) | Err(Refused::Syntax) => Err(syntax_error(text)),
        }
    }

    /// Reads the value at the start of a text, whatever stands behind it, and returns how many bytes it takes; `None` if
    /// there is none. Made for many values one after the other, each about as large as the `last`.
    pub fn parse_next(text: &str, last: Option<&Document>) -> Option<(Document, usize)> {
        let text = text.get(..text.len().min(TOO_LONG - 1))?;
        let expected = last.map_or(TYPICAL, |last| last.slots.len() + last.slots.len() / 16);
        let mut build = Builder::new(text, expected);
        let read = reader::read(text, &mut build).ok()?;
        Some((build.finish(read), read))
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

/// The error of a text that the reader refuses, in serde_json's words. These name the grammar, never the text.
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
