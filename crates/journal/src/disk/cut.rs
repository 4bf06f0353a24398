//! What a commit writes, cut into frames. Few frames are cheaper than many, but whoever wants one event reads a whole one.

use super::frame::{Builder, Built, Item, Prepared};
use super::pages::{BLOCK, Pages};
use crate::Position;

/// Bytes of a frame at most, if it is of more than one event.
const MOST: usize = 1 << 18;

/// Frames of these events from a position on, written at a moment: the later one of two, finer than a commit takes.
/// `pages` holds them, one after the other.
pub(super) fn cut(
    events: &[(&Prepared, &Item)],
    first: Position,
    written_at: u64,
    pages: &mut Pages,
) -> Vec<Built> {
    let mut builders: Vec<Builder<'_>> = Vec::new();
    for (prepared, item) in events {
        let builder = match builders.last_mut() {
            Some(builder) if builder.size() + item.size() <= MOST => builder,
            _ => builders.push_mut(Builder::default()),
        };
        builder.push(prepared, item);
    }
    let blocks = |builder: &Builder<'_>| builder.size().next_multiple_of(BLOCK);
    pages.begin(builders.iter().map(blocks).sum());
    let mut start = first;
    let frames = builders
        .into_iter()
        .zip(written_at..)
        .map(|(builder, written_at)| {
            let frame = pages.add(|bytes| builder.finish(start, written_at, bytes));
            start += frame.count as u64;
            frame
        });
    frames.collect()
}
