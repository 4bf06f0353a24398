//! Cutting an input into lines, in bounded memory.

use std::io::{self, BufRead, BufReader, Read};

use signalbox_core::Reason;
use signalbox_segment::ingest::MAX_EVENT_BYTES;

/// Lines in a chunk.
pub(super) const MAX_LINES: usize = 100;

/// Bytes read at once. A pipe gives what it has.
const BUFFER: usize = 256 * 1024;

/// A byte order mark and a carriage return may stand around an event.
const MAX_LINE_BYTES: usize = MAX_EVENT_BYTES + 8;

/// A line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1, blank lines too.
    pub(super) number: u64,
    /// `None` if it is too long for an event; it was read past without keeping it.
    pub(super) text: Option<Vec<u8>>,
}

/// What the reader passes on.
#[derive(Debug)]
pub(super) enum Chunk {
    /// Up to [`MAX_LINES`] lines.
    Lines(Vec<Line>),
    /// The input cannot be read further.
    Failed(io::Error),
}

/// The reason for a line without text.
pub(super) fn too_long() -> Reason {
    Reason::new(
        "event_too_large",
        format!("longer than the {MAX_EVENT_BYTES} bytes an event may have"),
    )
}

/// Reads to the end, or until `pass_on` returns false. A chunk is passed on when it is full, and before waiting for
/// more input: what came through a pipe is not held back.
pub(super) fn read(input: impl Read, mut pass_on: impl FnMut(Chunk) -> bool) {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let mut chunk = Vec::new();
    let mut line = Partial::default();
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
            chunk.extend(line.finish());
            rest = &rest[end + 1..];
            if chunk.len() == MAX_LINES && !pass_on(Chunk::Lines(std::mem::take(&mut chunk))) {
                return;
            }
        }
        line.extend(rest);
        if length == 0 {
            // The last line need not end with a line break.
            chunk.extend(line.finish());
        }
        if !chunk.is_empty() && !pass_on(Chunk::Lines(std::mem::take(&mut chunk))) {
            return;
        }
        if length == 0 {
            return;
        }
        input.consume(length);
    }
}

/// The line being read.
#[derive(Default)]
struct Partial {
    /// Lines finished so far.
    finished: u64,
    text: Vec<u8>,
    too_long: bool,
}

impl Partial {
    fn extend(&mut self, bytes: &[u8]) {
        if self.too_long || self.text.len() + bytes.len() > MAX_LINE_BYTES {
            self.too_long = true;
            self.text = Vec::new();
        } else {
            self.text.extend_from_slice(bytes);
        }
    }

    /// Ends the line; nothing if it is blank.
    fn finish(&mut self) -> Option<Line> {
        self.finished += 1;
        let text = std::mem::take(&mut self.text);
        let too_long = std::mem::take(&mut self.too_long);
        let blank = !too_long && text.trim_ascii().is_empty();
        (!blank).then_some(Line {
            number: self.finished,
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

    fn chunks(parts: &[&str]) -> Vec<Vec<(u64, Option<String>)>> {
        let mut out = Vec::new();
        let parts = parts.iter().map(|part| part.as_bytes().to_vec()).collect();
        read(Parts(parts), |chunk| {
            match chunk {
                Chunk::Lines(lines) => out.push(
                    lines
                        .into_iter()
                        .map(|line| {
                            (
                                line.number,
                                line.text.map(|text| String::from_utf8(text).unwrap()),
                            )
                        })
                        .collect(),
                ),
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
        read(Parts(vec![b"a\n".to_vec(); 9]), |_| {
            count += 1;
            count < 3
        });
        assert_eq!(count, 3);
    }
}
