//! Cutting an input into lines, in bounded memory.

use std::io::{self, BufRead, BufReader, Read};

use signalbox_core::Reason;
use signalbox_segment::ingest::MAX_EVENT_BYTES;

/// Lines in a chunk.
pub(super) const MAX_LINES: usize = 100;

/// Bytes read at once; a pipe may return fewer.
const BUFFER: usize = 256 * 1024;

/// A byte order mark and a carriage return may stand around an event.
const MAX_LINE_BYTES: usize = MAX_EVENT_BYTES + 8;

/// A place between two lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes before the place.
    pub(super) offset: u64,
    /// Lines before the place, blank ones too.
    pub(super) lines: u64,
}

/// A line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1, blank lines too.
    pub(super) number: u64,
    /// Bytes before the line.
    pub(super) at: u64,
    /// True if a line break follows.
    pub(super) ended: bool,
    /// `None` if it is too long for an event; it was read past without keeping it.
    pub(super) text: Option<Vec<u8>>,
}

/// An item that the reader passes on.
#[derive(Debug)]
pub(super) enum Chunk {
    /// Up to [`MAX_LINES`] lines; a last line without a line break comes alone.
    Lines {
        lines: Vec<Line>,
        /// The place behind the lines.
        end: Place,
    },
    /// The end of the input.
    End(Place),
    /// The input cannot be read further.
    Failed(io::Error),
}

impl Chunk {
    /// Returns the place behind the chunk.
    pub(super) fn end(&self) -> Option<Place> {
        match self {
            Chunk::Lines { end, .. } | Chunk::End(end) => Some(*end),
            Chunk::Failed(_) => None,
        }
    }
}

/// The reason for a line without text.
pub(super) fn too_long() -> Reason {
    Reason::new(
        "event_too_large",
        format!("longer than the {MAX_EVENT_BYTES} bytes an event may have"),
    )
}

/// Reads to the end, or until `pass_on` returns false; the input begins at `from`. A chunk is passed on when it is
/// full, and before waiting for more input, so that lines from a pipe are not held back.
pub(super) fn read(input: impl Read, from: Place, mut pass_on: impl FnMut(Chunk) -> bool) {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let mut lines = Vec::new();
    let mut line = Partial {
        begin: from,
        length: 0,
        text: Vec::new(),
        too_long: false,
    };
    let mut pass = |lines: &mut Vec<Line>, end| {
        let lines = std::mem::take(lines);
        lines.is_empty() || pass_on(Chunk::Lines { lines, end })
    };
    loop {
        let buffered = match input.fill_buf() {
            Ok(buffered) => buffered,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                pass_on(Chunk::Failed(error));
                return;
            }
        };
        let length = buffered.len();
        let mut rest = buffered;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            line.extend(&rest[..end]);
            lines.extend(line.finish(true));
            rest = &rest[end + 1..];
            if lines.len() == MAX_LINES && !pass(&mut lines, line.begin) {
                return;
            }
        }
        line.extend(rest);
        if !pass(&mut lines, line.begin) {
            return;
        }
        if length == 0 {
            // The last line need not end with a line break.
            if line.length > 0 {
                lines.extend(line.finish(false));
            }
            if pass(&mut lines, line.begin) {
                pass_on(Chunk::End(line.begin));
            }
            return;
        }
        input.consume(length);
    }
}

/// The line being read.
struct Partial {
    /// The beginning of the line.
    begin: Place,
    /// Bytes of the line so far, dropped ones included.
    length: u64,
    text: Vec<u8>,
    too_long: bool,
}

impl Partial {
    fn extend(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.too_long || self.text.len() + bytes.len() > MAX_LINE_BYTES {
            self.too_long = true;
            self.text = Vec::new();
        } else {
            self.text.extend_from_slice(bytes);
        }
    }

    /// Ends the line, with or without a line break; `None` if it is blank.
    fn finish(&mut self, ended: bool) -> Option<Line> {
        let text = std::mem::take(&mut self.text);
        let too_long = std::mem::take(&mut self.too_long);
        let begin = self.begin;
        self.begin = Place {
            offset: begin.offset + std::mem::take(&mut self.length) + u64::from(ended),
            lines: begin.lines + 1,
        };
        let blank = !too_long && text.trim_ascii().is_empty();
        (!blank).then_some(Line {
            number: self.begin.lines,
            at: begin.offset,
            ended,
            text: (!too_long).then_some(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its parts one by one, as a pipe does.
    struct Parts(Vec<Vec<u8>>);

    impl Read for Parts {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let part = self.0.remove(0);
            out[..part.len()].copy_from_slice(&part);
            Ok(part.len())
        }
    }

    /// Reads these parts, and returns the chunks with the numbers of their lines.
    fn chunks(parts: &[&str]) -> Vec<Vec<(u64, Option<String>)>> {
        let mut out = Vec::new();
        let whole: String = parts.concat();
        let parts = parts.iter().map(|part| part.as_bytes().to_vec()).collect();
        read(Parts(parts), Place::default(), |chunk| {
            match chunk {
                Chunk::Lines { lines, end } => {
                    for line in lines.iter().filter(|line| line.text.is_some()) {
                        let at = line.at as usize;
                        let text = String::from_utf8(line.text.clone().unwrap()).unwrap();
                        assert!(whole[at..].starts_with(&text), "{line:?}");
                        assert_eq!(line.ended, whole[at + text.len()..].starts_with('\n'), "{line:?}");
                    }
                    let before = &whole[..end.offset as usize];
                    assert!(before.ends_with('\n') || before.len() == whole.len());
                    assert_eq!(before.lines().count() as u64, end.lines);
                    out.push(
                        lines
                            .into_iter()
                            .map(|line| {
                                (
                                    line.number,
                                    line.text.map(|text| String::from_utf8(text).unwrap()),
                                )
                            })
                            .collect(),
                    );
                }
                Chunk::End(end) => assert_eq!(end.offset as usize, whole.len()),
                Chunk::Failed(error) => panic!("{error}"),
            }
            true
        });
        out
    }

    fn line(number: u64, text: &str) -> (u64, Option<String>) {
        (number, Some(text.to_owned()))
    }

    #[test]
    fn lines_come_as_they_arrive_and_keep_their_numbers() {
        assert_eq!(
            chunks(&["a\n\nb\nc", "c\r\n", " \n", "d"]),
            [
                vec![line(1, "a"), line(3, "b")],
                vec![line(4, "cc\r")],
                vec![line(6, "d")]
            ]
        );
        assert!(chunks(&[]).is_empty());
        // A last line without a line break comes alone.
        assert_eq!(chunks(&["a\nb"]), [vec![line(1, "a")], vec![line(2, "b")]]);
        let many = chunks(&[&"x\n".repeat(250)]);
        assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    }

    #[test]
    fn a_line_too_long_is_not_kept() {
        let long = "x".repeat(MAX_LINE_BYTES);
        let longer = [long.as_str(), "x", &long, "\nb"];
        assert_eq!(chunks(&longer), [vec![(1, None)], vec![line(2, "b")]]);
        assert_eq!(chunks(&[&long, "\n"]), [vec![line(1, &long)]]);
    }

    #[test]
    fn nobody_listening_ends_it() {
        let mut count = 0;
        read(Parts(vec![b"a\n".to_vec(); 9]), Place::default(), |_| {
            count += 1;
            count < 3
        });
        assert_eq!(count, 3);
    }
}
