//! Buffers of documents that are gone, for those that come.
//!
//! A document is two buffers of some kilobytes. The system's allocator keeps small pieces ready for each thread, but
//! not such as these: it cuts them out of larger ones and joins them again, on a router at work mostly on another
//! thread than the one they came from, which was a tenth of what an event costs. So each thread keeps some of them.

use std::cell::{Cell, RefCell};

use super::Slot;

/// Pairs that a thread keeps, of some five kilobytes each: the events of a few requests.
const KEPT: usize = 256;
/// Bytes of a buffer that is kept: twice what the buffers of an ordinary event take.
const LARGEST: usize = 8 << 10;

type Pair = (String, Vec<Slot>);

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
    let pair = SPARE.try_with(|spare| spare.try_borrow_mut().ok()?.pop());
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
        if let Ok(mut spare) = spare.try_borrow_mut()
            && spare.len() < KEPT
        {
            spare.push((text, slots));
        }
    });
}
