//! Cuts an input into JSON values, in bounded memory: lines that hold a value each, values that go over several lines, and
//! the elements of lists.
//!
//! The first line that is not blank decides. If it holds a whole value, or no JSON at all, each line is a value, and a broken one
//! costs itself only. If it begins a list or a value that it does not end, values may go over lines. A broken one among
//! these ends where a later line begins with `{`, indented no deeper than the line that began the broken value.

use memchr::{memchr, memmem};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use signalbox_core::Reason;

/// The most bytes of a value that a [`Splitter`] keeps. No event and no batch is longer.
pub const MAX_VALUE_BYTES: usize = 1 << 20;

/// The way values stand in an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The next line that is not blank decides.
    #[default]
    Unknown,
    /// Each line is a value.
    Lines,
    /// Values may go over lines.
    Values,
    /// Inside of a list, whose elements are the values.
    List,
}

/// A place between two values of an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Bytes before the place.
    pub offset: u64,
    /// Line breaks before the place.
    pub lines: u64,
    /// The layout from there on.
    pub layout: Layout,
}

/// A value, or a text where one should be. It is not blank.
#[derive(Debug, PartialEq, Eq)]
pub struct Value {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Bytes before it.
    pub at: u64,
    /// The place behind it.
    pub end: Place,
    /// False for the last text of an input, if it may go on once the input grows.
    pub ended: bool,
    /// `None` if it is longer than [`MAX_VALUE_BYTES`]. Of a broken value over several lines, the first line.
    pub text: Option<Vec<u8>>,
}

/// Returns the reason for rejecting a value without text.
pub fn value_too_long() -> Reason {
    Reason::new(
        "event_too_large",
        format!("longer than {MAX_VALUE_BYTES} bytes, which no event and no batch may have"),
    )
}

/// Cuts an input that comes in pieces.
#[derive(Debug, Default)]
pub struct Splitter {
    place: Place,
    /// The bytes of the value or line that is being read.
    held: Vec<u8>,
    /// True if that value is too long and is read past without being kept.
    long: bool,
    begun: Place,
    /// The indentation of the line on which it began.
    begun_indent: usize,
    depth: usize,
    quoted: bool,
    escaped: bool,
    /// Length of `held` when it was last checked.
    checked: usize,
    indent: usize,
    /// True while only white space of a line was read.
    line_start: bool,
    /// A broken value, until its end is found.
    broken: Option<Value>,
    /// Bytes to be read again from `place` on.
    again: Option<Vec<u8>>,
}

impl Splitter {
    /// Creates a splitter of an input that begins at a place.
    pub fn new(from: Place) -> Splitter {
        Splitter {
            place: from,
            line_start: from.offset == 0,
            ..Splitter::default()
        }
    }

    /// Reads the next bytes of the input, and adds the values that they end.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<Value>) {
        // Bytes of broken values, which are read a second time before the rest.
        let mut work: Vec<(Vec<u8>, usize)> = Vec::new();
        loop {
            if let Some(again) = self.again.take() {
                work.push((again, 0));
            }
            if let Some((buffer, read)) = work.last_mut() {
                *read += self.step(&buffer[*read..], out);
                if *read == buffer.len() {
                    work.pop();
                }
            } else if bytes.is_empty() {
                return;
            } else {
                let length = self.step(bytes, out);
                bytes = &bytes[length..];
            }
        }
    }

    /// Ends the input, adds its last value, and returns the place behind it.
    pub fn end(&mut self, out: &mut Vec<Value>) -> Place {
        while self.broken.is_some() || !self.is_idle() {
            if let Some(broken) = self.broken.take() {
                out.push(Value {
                    end: self.place,
                    ..broken
                });
            } else if self.by_lines() {
                self.end_line(false, out);
            } else if !self.long && self.is_lost() {
                self.give_up();
                self.feed(&[], out);
            } else {
                self.pass(false, self.place, out);
            }
        }
        self.place
    }

    /// True if the last value of an input is not the beginning of one that goes on: it is broken, or a whole value begins
    /// on a line behind it.
    fn is_lost(&self) -> bool {
        is_broken(&self.held)
            || another(&self.held, self.begun_indent)
                .is_some_and(|line| serde_json::from_slice::<IgnoredAny>(line).is_ok())
    }

    fn step(&mut self, bytes: &[u8], out: &mut Vec<Value>) -> usize {
        if self.by_lines() && self.broken.is_none() {
            self.line(bytes, out)
        } else {
            self.spread(bytes, out)
        }
    }

    fn by_lines(&self) -> bool {
        matches!(self.place.layout, Layout::Unknown | Layout::Lines)
    }

    fn is_idle(&self) -> bool {
        self.held.is_empty() && !self.long
    }

    /// Reads to the end of the line or of the bytes.
    fn line(&mut self, bytes: &[u8], out: &mut Vec<Value>) -> usize {
        let end = memchr(b'\n', bytes);
        let piece = &bytes[..end.unwrap_or(bytes.len())];
        let length = piece.len() + usize::from(end.is_some());
        if self.is_idle() {
            self.begun = self.place;
        }
        if self.long || self.held.len() + piece.len() > MAX_VALUE_BYTES {
            self.long = true;
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(piece);
        }
        // A list may be one line of any length.
        let unknown = self.place.layout == Layout::Unknown && !self.long;
        if unknown && significant(&self.held) == Some(b'[') {
            return self.go_over_lines(length, end.is_some());
        }
        self.place.offset += length as u64;
        self.place.lines += u64::from(end.is_some());
        if end.is_some() {
            if unknown && is_unfinished(&self.held) {
                return self.go_over_lines(length, true);
            }
            self.end_line(true, out);
        }
        length
    }

    /// Has the line that is held read again, as values that may go over lines. Returns `length`.
    fn go_over_lines(&mut self, length: usize, ended: bool) -> usize {
        let mut line = std::mem::take(&mut self.held);
        if ended {
            line.push(b'\n');
        }
        self.place = Place {
            layout: Layout::Values,
            ..self.begun
        };
        (self.indent, self.line_start) = (0, true);
        self.again = Some(line);
        length
    }

    fn end_line(&mut self, ended: bool, out: &mut Vec<Value>) {
        if !self.long && significant(&self.held).is_none() {
            self.held.clear();
            return;
        }
        if ended {
            self.place.layout = Layout::Lines;
        }
        self.pass(ended, self.place, out);
    }

    /// Reads values that may go over lines, to the end of the bytes or until some must be read again.
    fn spread(&mut self, bytes: &[u8], out: &mut Vec<Value>) -> usize {
        for (index, &byte) in bytes.iter().enumerate() {
            let here = self.place;
            let blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            let starts_line = self.line_start && !blank;
            // A value that was given up or is too long ends where another begins.
            let lost = self.long || self.broken.is_some();
            if lost && starts_line && self.indent <= self.begun_indent {
                let closes = byte == b']' && here.layout == Layout::List;
                if byte == b'{' || closes {
                    self.resume(out);
                    return index;
                }
            }
            self.place.offset += 1;
            if byte == b'\n' {
                self.place.lines += 1;
                (self.indent, self.line_start) = (0, true);
            } else if self.line_start {
                self.line_start = blank;
                self.indent += usize::from(blank);
            }
            if self.broken.is_some() {
                continue;
            }
            if !self.is_idle() && self.depth == 0 && !self.quoted && self.ends_word(byte) {
                self.pass(true, here, out);
            }
            if self.is_idle() {
                match byte {
                    b',' | 0xef | 0xbb | 0xbf => continue,
                    _ if blank => continue,
                    b'[' if here.layout == Layout::Values => self.place.layout = Layout::List,
                    b']' if here.layout == Layout::List => self.place.layout = Layout::Values,
                    _ => {
                        (self.begun, self.begun_indent, self.checked) = (here, self.indent, 0);
                        self.take(byte);
                    }
                }
            } else {
                self.take(byte);
            }
            if !self.is_idle() {
                self.look(byte, out);
            }
            if self.again.is_some() {
                return index + 1;
            }
        }
        bytes.len()
    }

    /// A word without quotes ends with its line, or its place in a list.
    fn ends_word(&self, byte: u8) -> bool {
        byte == b'\n' || self.place.layout == Layout::List && matches!(byte, b',' | b']')
    }

    fn take(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.quoted => self.escaped = true,
            b'"' => self.quoted = !self.quoted,
            b'{' | b'[' if !self.quoted => self.depth += 1,
            b'}' | b']' if !self.quoted => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if !self.long {
            self.held.push(byte);
        }
    }

    /// Passes the value on if the byte has ended it, and gives it up if it is seen to be broken.
    fn look(&mut self, byte: u8, out: &mut Vec<Value>) {
        if matches!(byte, b'}' | b']' | b'"') && self.depth == 0 && !self.quoted {
            if !self.long && another(&self.held, self.begun_indent).is_some() && is_broken(&self.held) {
                self.give_up();
            } else {
                self.pass(true, self.place, out);
            }
        } else if self.held.len() > MAX_VALUE_BYTES {
            if is_broken(&self.held) {
                self.give_up();
            } else {
                self.long = true;
                self.held = Vec::new();
            }
        } else if byte == b'\n' && !self.long && self.held.len() >= 2 * self.checked {
            // Twice the length each time, so that long values are not checked over and over.
            self.checked = self.held.len();
            if is_broken(&self.held) {
                self.give_up();
            }
        }
    }

    /// Has a broken value read again, to find where the next one begins.
    fn give_up(&mut self) {
        let held = std::mem::take(&mut self.held);
        let first = held.split(|byte| *byte == b'\n').next().unwrap_or_default();
        self.broken = Some(Value {
            line: self.begun.lines + 1,
            at: self.begun.offset,
            end: self.begun,
            ended: true,
            text: Some(first.to_vec()),
        });
        self.place = self.begun;
        self.line_start = false;
        self.forget();
        self.again = Some(held);
    }

    /// Ends a value that was given up or is too long, before the line where another begins.
    fn resume(&mut self, out: &mut Vec<Value>) {
        if self.place.layout == Layout::Values {
            self.place.layout = Layout::Unknown;
        }
        match self.broken.take() {
            Some(broken) => out.push(Value {
                end: self.place,
                ..broken
            }),
            None => self.pass(true, self.place, out),
        }
    }

    fn pass(&mut self, ended: bool, end: Place, out: &mut Vec<Value>) {
        let text = std::mem::take(&mut self.held);
        out.push(Value {
            line: self.begun.lines + 1,
            at: self.begun.offset,
            end,
            ended,
            text: (!self.long).then_some(text),
        });
        self.forget();
    }

    fn forget(&mut self) {
        (self.depth, self.quoted, self.escaped, self.long) = (0, false, false, false);
    }
}

/// Returns the first byte that is neither white space nor of a byte order mark.
fn significant(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    line.trim_ascii_start().first().copied()
}

/// True for the beginning of a JSON object.
fn is_unfinished(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    serde_json::from_slice::<IgnoredAny>(line).is_err_and(|error| error.is_eof())
        && significant(line) == Some(b'{')
}

/// True for a text that does not become JSON if more is added. `NaN` and `Infinity` are no JSON, but events may have them.
fn is_broken(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_err_and(|error| !error.is_eof())
        && memmem::find(text, b"NaN").is_none()
        && memmem::find(text, b"Infinity").is_none()
}

/// Returns the first later line that begins with `{`, indented no deeper than the first.
fn another(text: &[u8], indent: usize) -> Option<&[u8]> {
    text.split(|byte| *byte == b'\n').skip(1).find(|line| {
        let begun = line.trim_ascii_start();
        begun.first() == Some(&b'{') && line.len() - begun.len() <= indent
    })
}

#[cfg(test)]
mod tests;
