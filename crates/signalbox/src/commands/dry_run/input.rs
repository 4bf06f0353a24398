//! The inputs of a dry run: files, folders and patterns, and the JSON values in them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use signalbox_segment::ingest::{Place, Splitter, Value};

use super::Trouble;
use crate::exit::{self, Failure};

/// The start of data that gzip made.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A JSON value, or a text that should have been one.
pub(super) struct Item {
    pub(super) value: Value,
    /// True if nothing more is there to be read without waiting.
    pub(super) waits: bool,
}

/// The inputs, in their order.
pub(super) struct Inputs(Vec<PathBuf>);

impl Inputs {
    /// Finds the files that are named, stand directly in a folder or match a pattern, sorted by name.
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

fn values(
    mut input: impl BufRead,
    pass_on: &mut impl FnMut(Item) -> Result<(), Trouble>,
) -> Result<(), Stop> {
    // A pipe may give one byte first; a first byte of gzip's is no JSON either.
    if input.fill_buf()?.first() == Some(&GZIP[0]) {
        return plain_values(BufReader::new(MultiGzDecoder::new(input)), pass_on);
    }
    plain_values(input, pass_on)
}

fn plain_values(
    mut input: impl BufRead,
    pass_on: &mut impl FnMut(Item) -> Result<(), Trouble>,
) -> Result<(), Stop> {
    let mut splitter = Splitter::new(Place::default());
    let mut found = Vec::new();
    loop {
        let bytes = input.fill_buf()?;
        let length = bytes.len();
        if length == 0 {
            splitter.end(&mut found);
        } else {
            splitter.feed(bytes, &mut found);
            input.consume(length);
        }
        let last = found.len();
        for (number, value) in (1..).zip(found.drain(..)) {
            let waits = number == last;
            pass_on(Item { value, waits }).map_err(Stop::Passing)?;
        }
        if length == 0 {
            return Ok(());
        }
    }
}
