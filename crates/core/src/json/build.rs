//! Builds a document while its text is read: slots, sibling chains, repeated keys.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::buffer_pool;
use super::document::{Document, NodeId};
use super::kind::{KeyMark, Kind};
use super::slot::{Held, NONE, Slot, TextRange};
use super::source::{Form, Source};

/// Number of members above which duplicates are found by a hash table instead of pairwise comparison.
const SMALL_OBJECT: u32 = 64;

/// Bytes and slots that completing an event adds: four times, a channel, an address and their names. Without spare
/// capacity the first addition would double the document's memory.
const COMPLETED: usize = 256;
const COMPLETED_SLOTS: usize = 12;

/// Steps of capacity, so that the buffers of one event mostly fit another.
const SLOTS: usize = 32;
const BYTES: usize = 1024;

/// A text that was read: its start, its length (31 bits, since no text is longer), and a bit for a text without
/// escapes, which is a part of the source; other texts are in the unescaped buffer. Packed into one `u64` so that it is
/// returned in a register: three separate stores followed by one wide load would defeat store forwarding.
#[derive(Clone, Copy, Default)]
pub(super) struct TextRef(u64);

impl TextRef {
    fn new(start: usize, len: usize, plain: bool) -> TextRef {
        TextRef((start as u64) << 32 | (len as u64) << 1 | u64::from(plain))
    }

    fn range(self) -> TextRange {
        TextRange {
            start: (self.0 >> 32) as u32,
            len: self.0 as u32 >> 1,
        }
    }

    fn is_plain(self) -> bool {
        self.0 & 1 == 1
    }
}

/// A key that was read.
#[derive(Clone, Copy, Default)]
pub(super) struct Key {
    pub(super) text: TextRef,
    pub(super) mark: KeyMark,
}

/// An array or object being read.
pub(super) struct Container {
    slot: u32,
    first: u32,
    last: u32,
    len: u32,
    /// A Bloom filter of 64 bits over the keys, and a flag for a key that repeats.
    bits: u64,
    repeated: bool,
}

/// A document being read.
pub(super) struct Builder<'s> {
    source: &'s str,
    /// Buffer for the document's text.
    buf: String,
    /// Strings with escapes, decoded.
    unescaped: String,
    slots: Vec<Slot>,
    /// Slots of values that the source writes as `NaN` or `Infinity`, ascending.
    not_numbers: Vec<NodeId>,
    /// Relation of the source to the slots.
    form: Form,
}

impl<'s> Builder<'s> {
    /// Starts a document of this source, with capacity for `expected` values.
    pub(super) fn new(source: &'s str, expected: usize) -> Builder<'s> {
        let (buf, mut slots) = buffer_pool::take();
        slots.reserve_exact((expected + COMPLETED_SLOTS).next_multiple_of(SLOTS));
        Builder {
            source,
            buf,
            unescaped: buffer_pool::take_scratch(),
            slots,
            not_numbers: Vec::new(),
            form: Form::Compact,
        }
    }

    /// Finishes the document, which takes the first `read` bytes of the source.
    pub(super) fn finish(mut self, read: usize) -> Document {
        let mut buf = self.buf;
        buf.reserve_exact((read + self.unescaped.len() + COMPLETED).next_multiple_of(BYTES));
        buf.push_str(self.source.get(..read).unwrap_or_default());
        if !self.unescaped.is_empty() {
            // The unescaped texts now follow the source.
            for slot in &mut self.slots {
                slot.shift_unescaped(read as u32);
            }
            buf.push_str(&self.unescaped);
        }
        // A kept event takes little more memory than it needs.
        let needed = self.slots.len() + COMPLETED_SLOTS;
        if self.slots.capacity() > needed + needed / 4 + SLOTS {
            self.slots.shrink_to(needed);
        }
        if buf.capacity() > 2 * (buf.len() + COMPLETED) + BYTES {
            buf.shrink_to(buf.len() + COMPLETED);
        }
        buffer_pool::give_scratch(self.unescaped);
        let source = Source::new(read, self.slots.len(), self.form);
        Document {
            buf,
            slots: self.slots,
            source,
        }
    }

    /// Returns a text without escapes, which is a part of the source.
    pub(super) fn plain(&self, start: usize, len: usize) -> TextRef {
        TextRef::new(start, len, true)
    }

    /// Begins a text with escapes; its decoded characters are then appended to [`Builder::unescaped`].
    pub(super) fn begin_unescaped(&self) -> usize {
        self.unescaped.len()
    }

    pub(super) fn unescaped(&mut self) -> &mut String {
        &mut self.unescaped
    }

    pub(super) fn end_unescaped(&self, start: usize) -> TextRef {
        TextRef::new(start, self.unescaped.len() - start, false)
    }

    #[inline]
    pub(super) fn key(&self, text: TextRef) -> Key {
        let TextRange { start, len } = text.range();
        let buf = if text.is_plain() {
            self.source
        } else {
            &self.unescaped
        };
        let bytes = buf.as_bytes().get(start as usize..start as usize + len as usize);
        let mark = KeyMark::of_bytes(bytes.unwrap_or_default());
        Key { text, mark }
    }

    /// Appends a string.
    #[inline]
    pub(super) fn string(&mut self, key: Key, value: TextRef) -> u32 {
        self.push(key, Held::String(value.range(), value.is_plain()))
    }

    /// Appends a number.
    #[inline]
    pub(super) fn number(&mut self, key: Key, value: TextRef) -> u32 {
        self.push(key, Held::Number(value.range()))
    }

    /// Appends a value.
    #[inline]
    pub(super) fn push(&mut self, key: Key, held: Held) -> u32 {
        let at = self.slots.len() as u32;
        self.slots
            .push(Slot::new(key.text.range(), key.text.is_plain(), key.mark, held));
        at
    }

    /// Appends an array or object; [`Builder::close`] ends it.
    pub(super) fn open(&mut self, key: Key, kind: Kind) -> Container {
        Container {
            slot: self.push(key, Held::Empty(kind)),
            first: NONE,
            last: NONE,
            len: 0,
            bits: 0,
            repeated: false,
        }
    }

    /// Notes a repeated key. Compares the key with the members so far only if the filter has its bit.
    #[inline]
    pub(super) fn look(&self, object: &mut Container, key: Key) {
        let bit = 1 << (key.mark.spread() >> 26);
        if object.bits & bit != 0 && object.len <= SMALL_OBJECT {
            object.repeated |= self.has_key(object.first, key);
        }
        object.bits |= bit;
    }

    fn has_key(&self, first: u32, key: Key) -> bool {
        let text = self.text(key.text.range(), key.text.is_plain());
        let same = |slot: &Slot| slot.key_mark == key.mark && self.key_of(slot) == text;
        self.chain(first).any(same)
    }

    /// Appends a value to its container.
    #[inline]
    pub(super) fn append(&mut self, container: &mut Container, child: u32) {
        if container.len == 0 {
            container.first = child;
        } else if let Some(last) = self.slots.get_mut(container.last as usize) {
            last.next = child;
        }
        container.last = child;
        container.len += 1;
    }

    /// Notes that the last text read differs from its source.
    pub(super) fn changed(&mut self) {
        self.form = Form::Other;
    }

    /// Notes that a slot holds null where the source has no JSON number.
    pub(super) fn not_a_number(&mut self, at: u32) {
        self.not_numbers.push(NodeId(at));
        self.changed();
    }

    /// Returns the noted values, ascending.
    pub(super) fn not_numbers(&mut self) -> Vec<NodeId> {
        std::mem::take(&mut self.not_numbers)
    }

    /// Notes that there is white space between values.
    pub(super) fn spaced(&mut self) {
        if self.form == Form::Compact {
            self.form = Form::Spaced;
        }
    }

    /// Stores the chain of children in their container.
    pub(super) fn close(&mut self, container: &Container) -> u32 {
        let &Container {
            slot: at,
            first,
            last,
            len,
            repeated,
            ..
        } = container;
        if let Some(slot) = self.slots.get_mut(at as usize) {
            slot.set_children(first, last);
            if slot.kind() == Kind::Object
                && (repeated || (len > SMALL_OBJECT && self.has_duplicates(first, len)))
            {
                self.drop_duplicates(at, first);
            }
        }
        at
    }

    /// Keeps the last value of repeated keys at the position of the first, as JavaScript does.
    fn drop_duplicates(&mut self, object: u32, first: u32) {
        let mut kept: Vec<u32> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut at = first;
        while at != NONE {
            let slot = self.slots[at as usize];
            match places.entry(self.key_of(&slot).to_owned()) {
                Entry::Occupied(place) => kept[*place.get()] = at,
                Entry::Vacant(place) => {
                    place.insert(kept.len());
                    kept.push(at);
                }
            }
            at = slot.next;
        }
        for pair in kept.windows(2) {
            self.slots[pair[0] as usize].next = pair[1];
        }
        let last = kept.last().copied().unwrap_or(NONE);
        self.slots[last as usize].next = NONE;
        let first = kept.first().copied().unwrap_or(NONE);
        self.slots[object as usize].set_children(first, last);
        self.changed();
    }

    fn has_duplicates(&self, first: u32, len: u32) -> bool {
        let mut seen = HashSet::with_capacity(len as usize);
        !self.chain(first).all(|slot| seen.insert(self.key_of(slot)))
    }

    fn chain(&self, first: u32) -> impl Iterator<Item = &Slot> {
        std::iter::successors(self.slots.get(first as usize), |slot| {
            self.slots.get(slot.next as usize)
        })
    }

    fn key_of(&self, slot: &Slot) -> &str {
        self.text(slot.key(), slot.plain_key())
    }

    fn text(&self, range: TextRange, plain: bool) -> &str {
        let start = range.start as usize;
        let buf = if plain { self.source } else { &self.unescaped };
        buf.get(start..start + range.len as usize).unwrap_or_default()
    }
}
