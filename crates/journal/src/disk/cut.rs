//! What a commit writes, cut into frames that fill the pages they get.
//!
//! The store gives a value a power of two of 4 KiB, and writes all of it: a frame of 190 KB would cost as much as one of
//! 260 KB. As one of 130 KB and one of 60 KB it costs a quarter less.

use super::frame::{Builder, Built, Item, Prepared};
use crate::Position;

/// The largest page of a frame.
const LARGEST: usize = 1 << 18;
/// What is too small for half of this is not cut any more: a further frame costs about as much as it would save.
const SMALLEST: usize = 1 << 15;
/// What a page holds beside the frame, and what a builder's size may be short of.
const SPARE: usize = 1 << 10;

/// Bytes that the next frame may have if so many are left.
fn share(left: usize) -> usize {
    let mut page = LARGEST;
    loop {
        let half = page / 2;
        if half < SMALLEST || left > page - page / 8 - SPARE {
            return page - SPARE;
        }
        page = half;
        if left > page - SPARE {
            // Its page would be too large by more than an eighth: what fills half of that goes first.
            return page - SPARE;
        }
    }
}

/// Frames of these events from a position on, written at a moment: the later one of two, finer than a commit takes.
pub(super) fn cut(events: &[(&Prepared, &Item)], first: Position, written_at: u64) -> Vec<Built> {
    let mut left: usize = events.iter().map(|(_, item)| item.size()).sum();
    let mut frames: Vec<Built> = Vec::new();
    let (mut builder, mut most) = (Builder::default(), share(left));
    let (mut start, mut next) = (first, first);
    for (prepared, item) in events {
        if !builder.is_empty() && builder.size() + item.size() > most {
            frames.push(builder.finish(start, written_at + frames.len() as u64));
            (start, most) = (next, share(left));
        }
        builder.push(prepared, item);
        left -= item.size();
        next += 1;
    }
    if !builder.is_empty() {
        frames.push(builder.finish(start, written_at + frames.len() as u64));
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_filled() {
        for left in (0..2_000_000).step_by(777) {
            let (mut rest, mut pages, mut count) = (left, 0, 0);
            while rest > 0 {
                let taken = share(rest).min(rest);
                pages += (taken + SPARE).next_power_of_two();
                rest -= taken;
                count += 1;
            }
            assert!(pages <= left + left / 7 + SMALLEST, "{left} bytes in {pages}");
            assert!(count <= left / LARGEST + 4, "{left} bytes in {count} frames");
        }
    }
}
