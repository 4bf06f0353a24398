//! The result of a read.

use crate::{Entry, Lost, Position};

/// Events that were read.
#[derive(Debug)]
pub(crate) struct Frames {
    /// The events and gaps, in the order of the log.
    pub(crate) pieces: Vec<Piece>,
    /// The position from which to read on.
    pub(crate) next: Position,
}

/// A run of events, or a gap.
#[derive(Debug)]
pub(crate) enum Piece {
    /// At least one event.
    Events(Vec<Entry>),
    /// Events that are gone or unreadable, at least one.
    Lost(Lost),
}

impl Frames {
    pub(super) fn push(&mut self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        match self.pieces.last_mut() {
            Some(Piece::Events(before)) => before.extend(entries),
            _ => self.pieces.push(Piece::Events(entries)),
        }
    }
}
