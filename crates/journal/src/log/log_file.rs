//! A file of the log, and the facts about it that are known without reading it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

use super::aligned::BLOCK;
use super::encode::FrameInfo;
use super::frame::Frame;
use crate::Position;
use crate::mutex::lock;
use crate::seal::operator::KeyId;

/// Bytes of frames after which a stretch ends …
const STRETCH_BYTES: u64 = 4_000_000;
/// … and the number of frames after which it ends.
const STRETCH_FRAMES: u32 = 1024;

/// A file of frames.
pub(crate) struct LogFile {
    pub(crate) first: Position,
    pub(crate) path: PathBuf,
    /// The operator's key under which it is sealed.
    pub(crate) sealed: Option<KeyId>,
    content: Mutex<Content>,
    growing: AtomicBool,
}

/// The content of a file. Part of the file's summary once the file is complete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// The position after its last event.
    pub(crate) end: Position,
    /// Stretches of frames, in order.
    #[serde(rename = "marks")]
    pub(crate) stretches: Vec<Stretch>,
}

/// A stretch of frames, small enough to be read whole when an event within is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    pub(crate) from: Position,
    pub(crate) to: Position,
    pub(crate) frames: u32,
    /// Bytes on disk.
    pub(crate) bytes: u64,
    /// Events by source.
    pub(crate) sources: Vec<(String, u64)>,
    /// Earliest and latest arrival, Unix milliseconds.
    pub(crate) arrivals: (i64, i64),
}

/// The facts that a frame adds to a stretch.
pub(crate) struct FrameNote<'a> {
    pub(crate) from: Position,
    pub(crate) to: Position,
    pub(crate) length: u32,
    pub(crate) sources: &'a [(std::sync::Arc<str>, u32)],
    pub(crate) arrivals: (i64, i64),
}

impl<'a> FrameNote<'a> {
    /// The facts of a frame that takes `overhead` bytes beyond its encoded length.
    pub(crate) fn of_encoded(info: &'a FrameInfo, overhead: u32) -> FrameNote<'a> {
        FrameNote {
            from: info.first,
            to: info.first + info.count as u64,
            length: info.length + overhead,
            sources: &info.sources,
            arrivals: info.arrivals,
        }
    }

    pub(crate) fn of_frame(frame: &'a Frame<'_>) -> FrameNote<'a> {
        FrameNote {
            from: frame.head.first,
            to: frame.head.end(),
            length: frame.head.length,
            sources: &frame.sources,
            arrivals: frame.head.arrivals,
        }
    }
}

impl Content {
    pub(crate) fn note(&mut self, frame: &FrameNote<'_>) {
        let fits = |stretch: &Stretch| {
            stretch.bytes < STRETCH_BYTES && stretch.frames < STRETCH_FRAMES && stretch.to == frame.from
        };
        if !self.stretches.last().is_some_and(fits) {
            self.stretches.push(Stretch {
                from: frame.from,
                to: frame.from,
                frames: 0,
                bytes: 0,
                sources: Vec::new(),
                arrivals: frame.arrivals,
            });
        }
        let Some(stretch) = self.stretches.last_mut() else {
            return;
        };
        stretch.to = frame.to;
        stretch.frames += 1;
        stretch.bytes += room(frame.length);
        stretch.arrivals = (
            stretch.arrivals.0.min(frame.arrivals.0),
            stretch.arrivals.1.max(frame.arrivals.1),
        );
        for (source, count) in frame.sources {
            match stretch.sources.iter_mut().find(|(name, _)| **name == **source) {
                Some((_, sum)) => *sum += u64::from(*count),
                None => stretch.sources.push((source.to_string(), u64::from(*count))),
            }
        }
        self.end = self.end.max(frame.to);
    }

    /// The bytes of everything at and after a position; within a stretch they are spread evenly over its events.
    pub(crate) fn bytes_from(&self, from: Position) -> u64 {
        let share = |stretch: &Stretch| match stretch.to.saturating_sub(from.max(stretch.from)) {
            0 => 0,
            left if left == stretch.to - stretch.from => stretch.bytes,
            left => {
                (u128::from(stretch.bytes) * u128::from(left) / u128::from(stretch.to - stretch.from)) as u64
            }
        };
        self.stretches
            .iter()
            .rev()
            .take_while(|stretch| stretch.to > from)
            .map(share)
            .sum()
    }

    pub(crate) fn newest(&self) -> i64 {
        self.stretches
            .iter()
            .map(|stretch| stretch.arrivals.1)
            .max()
            .unwrap_or(i64::MIN)
    }
}

/// Bytes that a frame takes on the disk.
fn room(length: u32) -> u64 {
    u64::from(length).next_multiple_of(BLOCK as u64)
}

impl LogFile {
    pub(crate) fn new(folder: &Path, first: Position, sealed: Option<KeyId>, content: Content) -> LogFile {
        let content = Content {
            end: content.end.max(first),
            ..content
        };
        LogFile {
            first,
            path: folder.join(file_name(first)),
            sealed,
            content: Mutex::new(content),
            growing: AtomicBool::new(false),
        }
    }

    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        lock(&self.content)
    }

    pub(crate) fn end(&self) -> Position {
        self.content().end
    }

    /// True while the file is written to.
    pub(crate) fn growing(&self) -> bool {
        self.growing.load(Ordering::Acquire)
    }

    pub(crate) fn set_growing(&self, growing: bool) {
        self.growing.store(growing, Ordering::Release);
    }

    /// True if the file is gone, or has lost its end or all its content.
    pub(super) fn is_cut_short(&self) -> bool {
        match fs::metadata(&self.path) {
            Ok(there) => there.len() < self.content().bytes_from(0),
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
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
        for stretch in &self.content().stretches {
            if from <= stretch.from && stretch.to <= to {
                for (source, count) in &stretch.sources {
                    *counts.entry(source.clone()).or_default() += count;
                }
            } else if from < stretch.to && stretch.from < to {
                let (from, to) = (from.max(stretch.from), to.min(stretch.to));
                match stretch.sources.as_slice() {
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

/// True for a file of frames of an early version, which this one does not read.
pub(crate) fn is_outdated(name: &str) -> bool {
    name.starts_with("frames-") && name.ends_with(".redb")
}
