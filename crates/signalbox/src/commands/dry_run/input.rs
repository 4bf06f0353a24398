//! The inputs of a dry run: files, folders and patterns, and the JSON values in them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use serde::de::IgnoredAny;

use super::Trouble;
use crate::exit::{self, Failure};

/// A value longer than this is no event: the Tracking API refuses events over 32 KiB, and batches over 500 KB.
const LONGEST: usize = 1 << 20;

/// The start of data that gzip made.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A JSON value, or a text that should have been one.
pub(super) struct Item {
    /// The line that it begins on, from 1.
    pub(super) line: u64,
    pub(super) text: String,
    /// True if nothing more is there to be read without waiting.
    pub(super) waits: bool,
}

/// The inputs, in their order.
pub(super) struct Inputs(Vec<PathBuf>);

impl Inputs {
    /// Finds the files: those named, those directly in a folder, and those that a pattern names, in the order of their names.
    pub(super) fn find(named: &[PathBuf]) -> Result<Inputs, Failure> {
        let mut files = Vec::new();
        for path in named {
            let shown = path.display();
            if path.as_os_str() == "-" || path.is_file() {
                files.push(path.clone());
            } else if path.is_dir() {
                files.extend(within(path).map_err(|error| format!("{shown} cannot be read: {error}"))?);
            } else {
                let pattern = path.to_string_lossy();
                let problem = |problem: String| Failure::Problem(exit::USAGE, problem);
                let found = glob::glob(&pattern)
                    .map_err(|error| problem(format!("{shown} is no file, folder or pattern: {error}")))?;
                let before = files.len();
                files.extend(found.flatten().filter(|path| path.is_file()));
                if files.len() == before {
                    return Err(problem(format!("{shown}: there is no such file")));
                }
            }
        }
        if named.is_empty() {
            files.push("-".into());
        }
        Ok(Inputs(files))
    }

    /// Passes on the values of all inputs.
    pub(super) fn each(&self, mut pass_on: impl FnMut(Item) -> Result<(), Trouble>) -> Result<(), Trouble> {
        for path in &self.0 {
            let read = if path.as_os_str() == "-" {
                values(BufReader::new(std::io::stdin().lock()), &mut pass_on)
            } else {
                match File::open(path) {
                    Ok(file) => values(BufReader::new(file), &mut pass_on),
                    Err(error) => Err(Stop::Reading(error)),
                }
            };
            read.map_err(|stop| match stop {
                Stop::Reading(error) => Trouble::Input(format!("{} cannot be read: {error}", path.display())),
                Stop::Passing(trouble) => trouble,
            })?;
        }
        Ok(())
    }
}

/// Returns the files directly in a folder, in the order of their names; hidden ones are left out.
fn within(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

enum Stop {
    Reading(std::io::Error),
    Passing(Trouble),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Stop::Reading(error)
    }
}

fn values<R: Read>(
    mut input: BufReader<R>,
    pass_on: &mut impl FnMut(Item) -> Result<(), Trouble>,
) -> Result<(), Stop> {
    // A pipe may give one byte first; a first byte of gzip's is no JSON either.
    if input.fill_buf()?.first() == Some(&GZIP[0]) {
        return plain_values(BufReader::new(MultiGzDecoder::new(input)), pass_on);
    }
    plain_values(input, pass_on)
}

/// Reads lines if the first one holds a whole value, else values that may go over lines, also in a list.
fn plain_values<R: Read>(
    mut input: BufReader<R>,
    pass_on: &mut impl FnMut(Item) -> Result<(), Trouble>,
) -> Result<(), Stop> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        number += 1;
        if read_line(&mut input, &mut line)? == 0 {
            return Ok(());
        }
        if !trimmed(&line).is_empty() {
            break;
        }
    }
    let first = trimmed(&line);
    let unfinished = serde_json::from_str::<IgnoredAny>(&first).is_err_and(|error| error.is_eof());
    if first.starts_with('[') || unfinished {
        let mut spread = Spread::new(number);
        spread.read(&line, pass_on)?;
        loop {
            let buffer = input.fill_buf()?;
            let length = buffer.len();
            if length == 0 {
                return spread.end(pass_on);
            }
            spread.read(buffer, pass_on)?;
            input.consume(length);
        }
    }
    loop {
        let text = trimmed(&line);
        if !text.is_empty() {
            pass_on(Item {
                line: number,
                text,
                waits: input.buffer().is_empty(),
            })
            .map_err(Stop::Passing)?;
        }
        line.clear();
        number += 1;
        if read_line(&mut input, &mut line)? == 0 {
            return Ok(());
        }
    }
}

/// Reads a line; of one that is too long, its beginning, which is no JSON.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    let length = input.by_ref().take(LONGEST as u64).read_until(b'\n', line)?;
    if length == LONGEST && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok(length)
}

/// Bytes that are not UTF-8 are reported like any other text that is no event.
fn trimmed(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).to_owned()
}

/// Values that go over lines.
struct Spread {
    line: u64,
    /// True inside of a list of values.
    listed: bool,
    value: Vec<u8>,
    begun: u64,
    depth: usize,
    quoted: bool,
    escaped: bool,
}

impl Spread {
    fn new(line: u64) -> Spread {
        Spread {
            line,
            listed: false,
            value: Vec::new(),
            begun: line,
            depth: 0,
            quoted: false,
            escaped: false,
        }
    }

    fn read(
        &mut self,
        bytes: &[u8],
        pass_on: &mut impl FnMut(Item) -> Result<(), Trouble>,
    ) -> Result<(), Stop> {
        for &byte in bytes {
            if self.value.is_empty() {
                match byte {
                    b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xef | 0xbb | 0xbf => {}
                    b'[' if !self.listed => self.listed = true,
                    b']' if self.listed => self.listed = false,
                    _ => {
                        self.begun = self.line;
                        self.take(byte);
                    }
                }
            } else if self.depth == 0 && !self.quoted && matches!(byte, b',' | b']' | b' ' | b'\r' | b'\n') {
                self.pass(pass_on)?;
                self.listed &= byte != b']';
            } else {
                self.take(byte);
            }
            self.line += u64::from(byte == b'\n');
            let closed = matches!(byte, b'}' | b']' | b'"') && self.depth == 0 && !self.quoted;
            if closed && !self.value.is_empty() {
                self.pass(pass_on)?;
            }
        }
        Ok(())
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
        // What is longer is no event in any case.
        if self.value.len() <= LONGEST {
            self.value.push(byte);
        }
    }

    fn pass(&mut self, pass_on: &mut impl FnMut(Item) -> Result<(), Trouble>) -> Result<(), Stop> {
        let text = trimmed(&self.value);
        self.value.clear();
        let item = Item {
            line: self.begun,
            text,
            waits: false,
        };
        pass_on(item).map_err(Stop::Passing)
    }

    /// Passes on the rest. A value that is not closed may be a broken first line: its lines are then values.
    fn end(mut self, pass_on: &mut impl FnMut(Item) -> Result<(), Trouble>) -> Result<(), Stop> {
        if self.listed || self.value.len() > LONGEST {
            return match self.value.is_empty() {
                true => Ok(()),
                false => self.pass(pass_on),
            };
        }
        let value = std::mem::take(&mut self.value);
        for (line, text) in (self.begun..).zip(value.split(|byte| *byte == b'\n').map(trimmed)) {
            if !text.is_empty() {
                let item = Item {
                    line,
                    text,
                    waits: false,
                };
                pass_on(item).map_err(Stop::Passing)?;
            }
        }
        Ok(())
    }
}
