//! A pool of document buffers, recycled across threads.
//!
//! A document has two buffers of some kilobytes. The system's allocator caches small blocks for each thread, but not
//! blocks of this size: it splits and joins larger ones under a lock, and a router frees most of them on another thread
//! than the one that allocated them. That was a tenth of the cost of an event. So each thread keeps some pairs of
//! buffers and hands its surplus to threads without any: the thread that reads a request is seldom the one that
//! delivers its events.

use std::cell::{Cell, RefCell};
use std::sync::{Mutex, PoisonError};

use super::slot::Slot;

/// Pairs that change hands at once, of some five kilobytes each, so that the lock is taken once for all of them.
const HANDED: usize = 64;
/// Maximum number of pairs that a thread keeps.
const KEPT: usize = 2 * HANDED;
/// Maximum number of groups of [`HANDED`] pairs in the shared pool.
const WAITING: usize = 6;
/// Maximum size of a buffer that is kept, in bytes: twice the buffers of an ordinary event.
const LARGEST: usize = 8 << 10;

type Pair = (String, Vec<Slot>);

/// The shared pool: groups of pairs that threads had too many of.
static WAIT: Mutex<Vec<Vec<Pair>>> = Mutex::new(Vec::new());

thread_local! {
    static SPARE: RefCell<Vec<Pair>> = const { RefCell::new(Vec::new()) };
    /// A buffer that is needed only while a document is parsed.
    static SCRATCH: Cell<String> = const { Cell::new(String::new()) };
}

/// Takes an empty working buffer, which [`give_scratch`] takes back.
pub(super) fn take_scratch() -> String {
    SCRATCH.try_with(Cell::take).unwrap_or_default()
}

/// Keeps the working buffer for the next document, unless it is larger than most documents need.
pub(super) fn give_scratch(mut scratch: String) {
    if scratch.capacity() <= LARGEST {
        scratch.clear();
        let _ = SCRATCH.try_with(|kept| kept.set(scratch));
    }
}

/// Takes two empty buffers, which may have capacity.
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

/// Returns two buffers to the pool, or frees them.
pub(super) fn give(mut text: String, mut slots: Vec<Slot>) {
    if text.capacity() > LARGEST || slots.capacity() * size_of::<Slot>() > LARGEST || slots.capacity() == 0 {
        return;
    }
    text.clear();
    slots.clear();
    // A thread that ends has no pool any more; both buffers are freed then.
    let _ = SPARE.try_with(|spare| {
        let Ok(mut spare) = spare.try_borrow_mut() else {
            return;
        };
        if spare.len() == KEPT {
            // The latest ones stay, since they are in the processor's cache.
            let last = spare.split_off(HANDED);
            let first = std::mem::replace(&mut *spare, last);
            // Frees the group, if the shared pool is full, after the lock is released.
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
    // The code under the lock cannot panic half-way.
    work(&mut WAIT.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pair as documents leave it.
    fn used() -> Pair {
        (String::from("text"), Vec::with_capacity(4))
    }

    fn has_room((text, slots): &Pair) -> bool {
        text.is_empty() && slots.is_empty() && slots.capacity() >= 4
    }

    #[test]
    fn a_thread_that_has_none_gets_what_another_has_too_many_of() {
        // Tests that run at the same time take from the shared pool too.
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
