//! What every reader of text does: slots for values, chains of siblings, repeated keys.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::buffer_pool;
use super::document::Document;
use super::kind::{KeyMark, Kind};
use super::slot::{Held, NONE, Slot, TextRange};
use super::source::{Form, Source};

/// Above this many members duplicates are looked up in a table instead of one against all.
const SMALL_OBJECT: u32 = 64;

/// Bytes and slots that completing an event adds to it: four times, a channel, an address and their names. Were there
/// no room, the first of them would double what the document takes.
const COMPLETED: usize = 256;
const COMPLETED_SLOTS: usize = 12;

/// Room is made in such steps, so that what one event needed is mostly enough for another.
const SLOTS: usize = 32;
const BYTES: usize = 1024;

/// A text that was read: where it starts, how long it is (31 bits, as no text is longer), and whether it stands in the
/// source without escapes; if not, it is in what was unescaped. One word, which functions return in a register: read back
/// from memory in one piece, what was written there in three is waited for.
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

/// An array or object that is being read.
pub(super) struct Container {
    slot: u32,
    first: u32,
    last: u32,
    len: u32,
    /// A bit of 64 for each key, and whether one came twice.
    bits: u64,
    repeated: bool,
}

/// A document that is being read.
pub(super) struct Builder<'s> {
    source: &'s str,
    /// What the document's text will be put into.
    buf: String,
    /// The strings that had escapes, without them.
    unescaped: String,
    slots: Vec<Slot>,
    /// How the source says what the slots say.
    form: Form,
}

impl<'s> Builder<'s> {
    /// Reads from this text, with room for so many values.
    pub(super) fn new(source: &'s str, expected: usize) -> Builder<'s> {
        let (buf, mut slots) = buffer_pool::take();
        slots.reserve_exact((expected + COMPLETED_SLOTS).next_multiple_of(SLOTS));
        Builder {
            source,
            buf,
            unescaped: buffer_pool::take_scratch(),
            slots,
            form: Form::Compact,
        }
    }

    /// The document, for which so many bytes of the source were read.
    pub(super) fn finish(mut self, read: usize) -> Document {
        let mut buf = self.buf;
        buf.reserve_exact((read + self.unescaped.len() + COMPLETED).next_multiple_of(BYTES));
        buf.push_str(self.source.get(..read).unwrap_or_default());
        if !self.unescaped.is_empty() {
            // It stands behind the source from now on.
            for slot in &mut self.slots {
                slot.shift_unescaped(read as u32);
            }
            buf.push_str(&self.unescaped);
        }
        // A kept event takes little more than it needs.
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

    /// A text that stands in the source without escapes.
    pub(super) fn plain(&self, start: usize, len: usize) -> TextRef {
        TextRef::new(start, len, true)
    }

    /// Begins a text that had escapes, which is then appended to [`Builder::unescaped`].
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

    /// Appends an array or object, which [`Builder::close`] ends.
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

    /// Looks for a key among the members an object has so far, one against all, but only if one of them has its bit.
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

    /// Adds a value to the container it stands in.
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

    /// What was read last is not what the source says.
    pub(super) fn changed(&mut self) {
        self.form = Form::Other;
    }

    /// Notes that there is white space between values.
    pub(super) fn spaced(&mut self) {
        if self.form == Form::Compact {
            self.form = Form::Spaced;
        }
    }

    /// Notes the children in their container.
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

    /// Of members with one key keeps the first place and the last value, as JavaScript does.
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
