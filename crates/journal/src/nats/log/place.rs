//! Positions of a log on JetStream: the sequence of the message, and the index of the event in its frame.

use crate::Position;

/// The bits of a position that hold the index.
const INDEX: u32 = 12;

/// The position of an event.
pub(super) fn position(sequence: u64, index: usize) -> Position {
    sequence << INDEX | index as u64
}

/// The first position of a frame.
pub(in crate::nats) fn start(sequence: u64) -> Position {
    sequence << INDEX
}

/// The sequence of the frame that a position lies in.
pub(super) fn sequence(position: Position) -> u64 {
    position >> INDEX
}

/// The index in its frame of the event at a position.
pub(super) fn index(position: Position) -> usize {
    (position & ((1 << INDEX) - 1)) as usize
}

/// The sequence of the first frame that begins at or after a position.
pub(super) fn first_whole(position: Position) -> u64 {
    position.div_ceil(1 << INDEX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parked;

    #[test]
    fn positions_are_in_order_and_below_those_of_returned_events() {
        assert!(position(7, 4095) < position(8, 0));
        assert_eq!((sequence(position(7, 9)), index(position(7, 9))), (7, 9));
        assert_eq!((first_whole(start(7)), first_whole(start(7) + 1)), (7, 8));
        assert!(position(1 << 49, 0) < Parked::BACK);
    }
}
