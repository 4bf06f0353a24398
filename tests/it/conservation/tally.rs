//! Arrived events, read line by line from a file that grows.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use serde_json::Value;

use super::events::number;

/// The events in a file of JSON lines.
pub(super) struct Tally {
    path: PathBuf,
    /// The member that holds the id.
    member: &'static str,
    same: fn(u64, &Value),
    /// True for the events that count; others may be in the same file.
    is_its: fn(&Value) -> bool,
    /// The writer may be killed while it writes a line, and ends it with a line break when it starts again.
    killed: bool,
    /// The lines that a kill cut off.
    cut: u64,
    read: u64,
    lines: usize,
    /// The lines of each event.
    at: BTreeMap<u64, Vec<usize>>,
}

impl Tally {
    pub(super) fn new(path: PathBuf, member: &'static str, same: fn(u64, &Value)) -> Tally {
        Tally {
            path,
            member,
            same,
            is_its: |_| true,
            killed: false,
            cut: 0,
            read: 0,
            lines: 0,
            at: BTreeMap::new(),
        }
    }

    /// Passes over the events for which `is_its` returns false; their lines do not count.
    pub(super) fn only(self, is_its: fn(&Value) -> bool) -> Tally {
        Tally { is_its, ..self }
    }

    /// Counts lines that are no JSON, which a writer leaves that is killed.
    pub(super) fn of_killed_writer(self) -> Tally {
        Tally { killed: true, ..self }
    }

    /// Returns the number of lines that are no JSON.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// Reads the new lines and compares each event with the one sent; returns the number of lines.
    pub(super) fn catch_up(&mut self) -> usize {
        let Ok(mut file) = std::fs::File::open(&self.path) else {
            return 0;
        };
        file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut text = Vec::new();
        file.read_to_end(&mut text).unwrap();
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |last| last + 1);
        self.read += whole as u64;
        for line in text[..whole].split_inclusive(|byte| *byte == b'\n') {
            let event: Value = match serde_json::from_slice(line) {
                Ok(event) => event,
                Err(_) if self.killed => {
                    self.cut += 1;
                    continue;
                }
                Err(error) => panic!("{error}: {}", String::from_utf8_lossy(line)),
            };
            if !(self.is_its)(&event) {
                continue;
            }
            let number = number(event[self.member].as_str().unwrap_or_else(|| panic!("{event}")));
            (self.same)(number, &event);
            self.at.entry(number).or_default().push(self.lines);
            self.lines += 1;
        }
        self.lines
    }

    pub(super) fn distinct(&self) -> u64 {
        self.at.len() as u64
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.at.contains_key(&number)
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.at.keys().copied()
    }

    /// Each second copy: the event, the line of the copy before and its own.
    pub(super) fn copies(&self) -> impl Iterator<Item = (u64, usize, usize)> {
        let all = self.at.iter();
        all.flat_map(|(number, lines)| lines.windows(2).map(|two| (*number, two[0], two[1])))
    }
}
