//! One file of frames: what is known of it without reading it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::frame::Frame;
use super::pages::BLOCK;
use super::prepared::Built;
use crate::Position;

/// A mark covers at most so many bytes of frames …
const MARK_BYTES: u64 = 4_000_000;
/// … and at most so many frames.
const MARK_FRAMES: u32 = 1024;

/// A file of frames.
pub(crate) struct Segment {
    pub(crate) first: Position,
    pub(crate) path: PathBuf,
    content: Mutex<Content>,
    growing: AtomicBool,
}

/// What a file holds. Kept in the file itself once it is complete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// The position after its last event.
    pub(crate) end: Position,
    /// Stretches of frames, in order.
    pub(crate) marks: Vec<Mark>,
}

/// A stretch of frames: small enough to be read when something within is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) from: Position,
    pub(crate) to: Position,
    pub(crate) frames: u32,
    /// As they lie on disk.
    pub(crate) bytes: u64,
    /// Events by source.
    pub(crate) sources: Vec<(String, u64)>,
    /// Earliest and latest arrival, Unix milliseconds.
    pub(crate) arrivals: (i64, i64),
}

/// What a frame adds to a mark.
pub(crate) struct Noted<'a> {
    pub(crate) from: Position,
    pub(crate) to: Position,
    pub(crate) length: u32,
    pub(crate) sources: &'a [(std::sync::Arc<str>, u32)],
    pub(crate) arrivals: (i64, i64),
}

impl<'a> Noted<'a> {
    pub(crate) fn of_built(built: &'a Built) -> Noted<'a> {
        Noted {
            from: built.first,
            to: built.first + built.count as u64,
            length: built.length,
            sources: &built.sources,
            arrivals: built.arrivals,
        }
    }

    pub(crate) fn of_frame(frame: &'a Frame<'_>) -> Noted<'a> {
        Noted {
            from: frame.head.first,
            to: frame.head.end(),
            length: frame.head.length,
            sources: &frame.sources,
            arrivals: frame.head.arrivals,
        }
    }
}

impl Content {
    pub(crate) fn note(&mut self, frame: &Noted<'_>) {
        let fits =
            |mark: &Mark| mark.bytes < MARK_BYTES && mark.frames < MARK_FRAMES && mark.to == frame.from;
        if !self.marks.last().is_some_and(fits) {
            self.marks.push(Mark {
                from: frame.from,
                to: frame.from,
                frames: 0,
                bytes: 0,
                sources: Vec::new(),
                arrivals: frame.arrivals,
            });
        }
        let Some(mark) = self.marks.last_mut() else { return };
        mark.to = frame.to;
        mark.frames += 1;
        mark.bytes += room(frame.length);
        mark.arrivals = (
            mark.arrivals.0.min(frame.arrivals.0),
            mark.arrivals.1.max(frame.arrivals.1),
        );
        for (source, count) in frame.sources {
            match mark.sources.iter_mut().find(|(name, _)| **name == **source) {
                Some((_, sum)) => *sum += u64::from(*count),
                None => mark.sources.push((source.to_string(), u64::from(*count))),
            }
        }
        self.end = self.end.max(frame.to);
    }

    /// The bytes of everything at and after a position; within a mark they are spread evenly over its events.
    pub(crate) fn bytes_from(&self, from: Position) -> u64 {
        let share = |mark: &Mark| match mark.to.saturating_sub(from.max(mark.from)) {
            0 => 0,
            left if left == mark.to - mark.from => mark.bytes,
            left => (u128::from(mark.bytes) * u128::from(left) / u128::from(mark.to - mark.from)) as u64,
        };
        self.marks
            .iter()
            .rev()
            .take_while(|mark| mark.to > from)
            .map(share)
            .sum()
    }

    pub(crate) fn newest(&self) -> i64 {
        self.marks
            .iter()
            .map(|mark| mark.arrivals.1)
            .max()
            .unwrap_or(i64::MIN)
    }
}

/// Bytes that a frame takes on the disk.
fn room(length: u32) -> u64 {
    u64::from(length).next_multiple_of(BLOCK as u64)
}

impl Segment {
    pub(crate) fn new(folder: &Path, first: Position, content: Content) -> Segment {
        let content = Content {
            end: content.end.max(first),
            ..content
        };
        Segment {
            first,
            path: folder.join(file_name(first)),
            content: Mutex::new(content),
            growing: AtomicBool::new(false),
        }
    }

    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn end(&self) -> Position {
        self.content().end
    }

    /// Whether it is being written to.
    pub(crate) fn growing(&self) -> bool {
        self.growing.load(Ordering::Acquire)
    }

    pub(crate) fn set_growing(&self, growing: bool) {
        self.growing.store(growing, Ordering::Release);
    }

    /// Adds to `counts` the events of `from..to` that are known without reading. Returns the stretches that must be
    /// read for the rest, each with the source to which its unreadable events are attributed.
    pub(crate) fn count(
        &self,
        from: Position,
        to: Position,
        counts: &mut BTreeMap<String, u64>,
    ) -> Vec<(Position, Position, String)> {
        let mut rest = Vec::new();
        for mark in &self.content().marks {
            if from <= mark.from && mark.to <= to {
                for (source, count) in &mark.sources {
                    *counts.entry(source.clone()).or_default() += count;
                }
            } else if from < mark.to && mark.from < to {
                let (from, to) = (from.max(mark.from), to.min(mark.to));
                match mark.sources.as_slice() {
                    [(source, _)] => *counts.entry(source.clone()).or_default() += to - from,
                    sources => {
                        let most = sources.iter().max_by_key(|(_, count)| *count);
                        let most = most.map(|(source, _)| source.clone());
                        rest.push((from, to, most.unwrap_or_default()));
                    }
                }
            }
        }
        rest
    }
}

/// Zero padded, so that names sort like positions.
pub(crate) fn file_name(first: Position) -> String {
    format!("frames-{first:020}.bin")
}

pub(crate) fn first_of(name: &str) -> Option<Position> {
    name.strip_prefix("frames-")?.strip_suffix(".bin")?.parse().ok()
}

/// Whether an early version of this program wrote it, whose files of frames nobody reads any more.
pub(crate) fn is_outdated(name: &str) -> bool {
    name.starts_with("frames-") && name.ends_with(".redb")
}

/// The store does not verify what it reads, so whatever is kept in it stands behind its own checksum.
pub(crate) fn seal(value: &[u8]) -> Vec<u8> {
    [&xxh3_64(value).to_le_bytes()[..], value].concat()
}

pub(crate) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (checksum, value) = bytes.split_first_chunk::<8>()?;
    (xxh3_64(value) == u64::from_le_bytes(*checksum)).then_some(value)
}
