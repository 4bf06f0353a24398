//! Ranges of positions: lists of `from..to`, in order, without overlap.

use crate::{Position, Progress};

/// The positions from the first up to the second, without the second.
pub(crate) type Span = (Position, Position);

/// The end of a range that has no end yet.
pub(crate) const OPEN: Position = Position::MAX;

/// Adds a range to a list.
pub(crate) fn add(list: &mut Vec<Span>, (mut from, mut to): Span) {
    if from >= to {
        return;
    }
    list.retain(|(a, b)| {
        let apart = *b < from || to < *a;
        if !apart {
            (from, to) = (from.min(*a), to.max(*b));
        }
        apart
    });
    let at = list.partition_point(|(a, _)| *a < from);
    list.insert(at, (from, to));
}

/// Returns the positions that are in one list and not in the other.
pub(crate) fn without(list: &[Span], holes: &[Span]) -> Vec<Span> {
    let mut left = Vec::with_capacity(list.len());
    for (mut from, to) in list.iter().copied() {
        let first = holes.partition_point(|(_, end)| *end <= from);
        for (a, b) in holes.iter().skip(first).copied() {
            if to <= a || to <= from {
                break;
            }
            if from < a {
                left.push((from, a));
            }
            from = from.max(b);
        }
        if from < to {
            left.push((from, to));
        }
    }
    left
}

/// Returns the positions that are in both lists.
pub(crate) fn both(list: &[Span], other: &[Span]) -> Vec<Span> {
    without(list, &without(list, other))
}

/// Returns the positions that are in either list.
pub(crate) fn either(list: &[Span], other: &[Span]) -> Vec<Span> {
    let mut sum = list.to_vec();
    for span in other {
        add(&mut sum, *span);
    }
    sum
}

/// True if a position is in a list.
pub(crate) fn holds(list: &[Span], position: Position) -> bool {
    let after = list.partition_point(|(from, _)| *from <= position);
    after
        .checked_sub(1)
        .and_then(|last| list.get(last))
        .is_some_and(|(_, to)| position < *to)
}

/// Returns the positions that a progress has not settled.
pub(crate) fn unsettled(progress: &Progress) -> Vec<Span> {
    without(&[(progress.cursor, OPEN)], &progress.settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_added_and_taken_away_like_sets() {
        // Every list over eight positions, encoded as bits.
        let list = |bits: u16| {
            let mut list = Vec::new();
            (0..8)
                .filter(|at| bits & (1 << at) != 0)
                .for_each(|at| add(&mut list, (at, at + 1)));
            list
        };
        for a in 0..256 {
            for b in (0..256).step_by(7) {
                assert_eq!(without(&list(a), &list(b)), list(a & !b), "{a:b} {b:b}");
                assert_eq!(both(&list(a), &list(b)), list(a & b), "{a:b} {b:b}");
                assert_eq!(either(&list(a), &list(b)), list(a | b), "{a:b} {b:b}");
            }
            for at in 0..9 {
                assert_eq!(holds(&list(a), at), a & (1 << at) != 0, "{a:b} {at}");
            }
        }
        assert_eq!(without(&[(3, OPEN)], &[(0, 5), (9, 10)]), [(5, 9), (10, OPEN)]);
    }
}
