//! What a commit writes, cut into frames.
//!
//! The store gives a value a page of a power of two of 4 KiB; of one that holds a frame only what is used is written
//! (see [`super::blocks`]), so a frame need not fill its page. Few frames are cheaper than many.

use super::frame::{Builder, Built, Item, Prepared};
use crate::Position;

/// What the largest page of a frame holds beside the head that the store puts before it, and what a builder's size may
/// be short of. Whoever wants one event reads a whole frame.
const MOST: usize = (1 << 18) - (1 << 10);

/// Frames of these events from a position on, written at a moment: the later one of two, finer than a commit takes.
pub(super) fn cut(events: &[(&Prepared, &Item)], first: Position, written_at: u64) -> Vec<Built> {
    let mut frames: Vec<Built> = Vec::new();
    let mut builder = Builder::default();
    let (mut start, mut next) = (first, first);
    for (prepared, item) in events {
        if !builder.is_empty() && builder.size() + item.size() > MOST {
            frames.push(builder.finish(start, written_at + frames.len() as u64));
            start = next;
        }
        builder.push(prepared, item);
        next += 1;
    }
    if !builder.is_empty() {
        frames.push(builder.finish(start, written_at + frames.len() as u64));
    }
    frames
}
