//! A pool of document buffers, recycled across threads.
//!
//! A document is two buffers of some kilobytes. The system's allocator keeps small pieces ready for each thread, but
//! not such as these: it cuts them out of larger ones and joins them again, under a lock, on a router at work mostly on
//! another thread than the one they came from. That was a tenth of what an event costs. So each thread keeps some of
//! them, and hands what is too many for it to those that have none: the thread that reads a request is seldom the one
//! that delivers it.

use std::cell::{Cell, RefCell};
use std::sync::{Mutex, PoisonError};

use super::slot::Slot;

/// Pairs that change hands at once, of some five kilobytes each: the lock is taken once for so many.
const HANDED: usize = 64;
/// Pairs that a thread keeps.
const KEPT: usize = 2 * HANDED;
/// How often as many wait for a thread that has none.
const WAITING: usize = 6;
/// Bytes of a buffer that is kept: twice what the buffers of an ordinary event take.
const LARGEST: usize = 8 << 10;

type Pair = (String, Vec<Slot>);

/// What threads had too many of.
static WAIT: Mutex<Vec<Vec<Pair>>> = Mutex::new(Vec::new());

thread_local! {
    static SPARE: RefCell<Vec<Pair>> = const { RefCell::new(Vec::new()) };
    /// For what is needed only while a document is read.
    static SCRATCH: Cell<String> = const { Cell::new(String::new()) };
}

/// A buffer to work in, empty, for [`give_scratch`] to take back.
pub(super) fn take_scratch() -> String {
    SCRATCH.try_with(Cell::take).unwrap_or_default()
}

/// Keeps the buffer for the next document, if it is no larger than most of them need.
pub(super) fn give_scratch(mut scratch: String) {
    if scratch.capacity() <= LARGEST {
        scratch.clear();
        let _ = SCRATCH.try_with(|kept| kept.set(scratch));
    }
}

/// Two buffers, empty but perhaps with room.
pub(super) fn take() -> Pair {
    let pair = SPARE.try_with(|spare| {
        let mut spare = spare.try_borrow_mut().ok()?;
        if spare.is_empty()
            && let Some(handed) = waiting(Vec::pop)
        {
            *spare = handed;
        }
        spare.pop()
    });
    pair.ok().flatten().unwrap_or_default()
}

/// Keeps two buffers, or frees them.
pub(super) fn give(mut text: String, mut slots: Vec<Slot>) {
    if text.capacity() > LARGEST || slots.capacity() * size_of::<Slot>() > LARGEST || slots.capacity() == 0 {
        return;
    }
    text.clear();
    slots.clear();
    // A thread that ends keeps nothing any more: then both are freed here.
    let _ = SPARE.try_with(|spare| {
        let Ok(mut spare) = spare.try_borrow_mut() else {
            return;
        };
        if spare.len() == KEPT {
            // The ones that came last stay: they are in the processor's cache.
            let last = spare.split_off(HANDED);
            let first = std::mem::replace(&mut *spare, last);
            // Freed, if there is no room for them, when the lock is given back.
            drop(waiting(|waiting| {
                if waiting.len() < WAITING {
                    waiting.push(first);
                    None
                } else {
                    Some(first)
                }
            }));
        }
        spare.push((text, slots));
    });
}

fn waiting(work: impl FnOnce(&mut Vec<Vec<Pair>>) -> Option<Vec<Pair>>) -> Option<Vec<Pair>> {
    // Nothing in here can panic half-way.
    work(&mut WAIT.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pair somewhat as documents leave them.
    fn used() -> Pair {
        (String::from("text"), Vec::with_capacity(4))
    }

    fn has_room((text, slots): &Pair) -> bool {
        text.is_empty() && slots.is_empty() && slots.capacity() >= 4
    }

    #[test]
    fn a_thread_that_has_none_gets_what_another_has_too_many_of() {
        // Tests beside this one take from what waits, too.
        let handed = (0..100).any(|_| {
            for _ in 0..KEPT + HANDED {
                let (text, slots) = used();
                give(text, slots);
            }
            let other = std::thread::spawn(|| has_room(&take()));
            other.join().unwrap()
        });
        assert!(handed);
    }

    #[test]
    fn what_is_kept_is_bounded_and_large_buffers_are_not_kept() {
        std::thread::spawn(|| {
            for _ in 0..HANDED * (WAITING + 8) {
                let (text, slots) = used();
                give(text, slots);
            }
            assert!(SPARE.with_borrow(Vec::len) <= KEPT);
            assert!(WAIT.lock().unwrap().len() <= WAITING);
            SPARE.with_borrow_mut(Vec::clear);
            give(String::with_capacity(LARGEST + 1), used().1);
            give(String::new(), Vec::with_capacity(LARGEST));
            give(String::new(), Vec::new());
            assert_eq!(SPARE.with_borrow(Vec::len), 0);
        })
        .join()
        .unwrap();
    }
}
