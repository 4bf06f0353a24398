//! The memory layout of a document's values.

use super::kind::{KeyMark, Kind};

/// A range of the document's buffer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TextRange {
    pub(super) start: u32,
    pub(super) len: u32,
}

/// The index of no slot: the end of a list of siblings, an empty container.
pub(super) const NONE: u32 = u32::MAX;

/// A value. An event has about ninety; one core writes them and mostly another reads them, so they are small.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    key_start: u32,
    about: About,
    /// The text of a string or number, the first and last child of an array or object, or the value of a boolean.
    value: TextRange,
    /// The next child of the same container.
    pub(super) next: u32,
    pub(super) key_mark: KeyMark,
}

// Eight slots fill three cache lines.
const _: () = assert!(size_of::<Slot>() == 24);

/// Packed bits: three for the kind, one for a value's text and one for a key that are in the source without escapes and
/// can be copied, and the length of the key.
#[derive(Debug, Clone, Copy)]
struct About(u32);

const PLAIN: u32 = 1 << 3;
const PLAIN_KEY: u32 = 1 << 4;
const KEY_LEN: u32 = 5;

/// Length that no text reaches, so that the length of any key fits.
pub(super) const TOO_LONG: usize = 1 << (u32::BITS - KEY_LEN);

impl About {
    #[inline]
    fn with_value(self, kind: Kind, plain: bool) -> About {
        let keep = self.0 & !(KIND | PLAIN);
        About(keep | kind as u32 | if plain { PLAIN } else { 0 })
    }
}

const KIND: u32 = 0b111;

/// The content of a slot.
#[derive(Clone, Copy)]
pub(super) enum Held {
    Null,
    Bool(bool),
    /// The number's text.
    Number(TextRange),
    /// The string's text, and true if it is between quotes without escapes.
    String(TextRange, bool),
    /// An array or object without children.
    Empty(Kind),
}

impl Slot {
    /// Creates a slot without a next sibling. `plain_key`: the key is quoted without escapes in the source.
    #[inline]
    pub(super) fn new(key: TextRange, plain_key: bool, key_mark: KeyMark, held: Held) -> Slot {
        let plain_key = if plain_key { PLAIN_KEY } else { 0 };
        let mut slot = Slot {
            key_start: key.start,
            about: About(key.len << KEY_LEN | plain_key),
            value: TextRange::default(),
            next: NONE,
            key_mark,
        };
        slot.hold(held);
        slot
    }

    /// Replaces the value.
    #[inline]
    pub(super) fn hold(&mut self, held: Held) {
        let range = |start| TextRange { start, len: 0 };
        let (kind, value, plain) = match held {
            Held::Null => (Kind::Null, range(0), true),
            Held::Bool(truth) => (Kind::Bool, range(u32::from(truth)), true),
            Held::Number(text) => (Kind::Number, text, true),
            Held::String(text, plain) => (Kind::String, text, plain),
            Held::Empty(kind) => (kind, EMPTY, true),
        };
        self.value = value;
        self.about = self.about.with_value(kind, plain);
    }

    #[inline(always)]
    pub(super) fn kind(&self) -> Kind {
        match self.about.0 & KIND {
            0 => Kind::Null,
            1 => Kind::Bool,
            2 => Kind::Number,
            3 => Kind::String,
            4 => Kind::Array,
            _ => Kind::Object,
        }
    }

    #[inline(always)]
    pub(super) fn is_container(&self) -> bool {
        self.about.0 & KIND >= Kind::Array as u32
    }

    #[inline(always)]
    pub(super) fn key(&self) -> TextRange {
        TextRange {
            start: self.key_start,
            len: self.about.0 >> KEY_LEN,
        }
    }

    /// Returns the text of a string or number.
    #[inline(always)]
    pub(super) fn text(&self) -> TextRange {
        self.value
    }

    /// Returns the value of a boolean slot.
    #[inline(always)]
    pub(super) fn truth(&self) -> bool {
        self.value.start == 1
    }

    /// Returns true if the key is quoted without escapes in the source.
    #[inline]
    pub(super) fn plain_key(&self) -> bool {
        self.about.0 & PLAIN_KEY != 0
    }

    /// Returns true if the text of a string is quoted without escapes in the source; true for all other values.
    #[inline]
    pub(super) fn plain(&self) -> bool {
        self.about.0 & PLAIN != 0
    }

    /// Returns the first child; [`NONE`] without children.
    #[inline]
    pub(super) fn first(&self) -> u32 {
        if self.is_container() {
            self.value.start
        } else {
            NONE
        }
    }

    /// Returns the last child; [`NONE`] without children.
    #[inline]
    pub(super) fn last(&self) -> u32 {
        if self.is_container() { self.value.len } else { NONE }
    }

    /// Sets the children of an array or object.
    #[inline]
    pub(super) fn set_children(&mut self, first: u32, last: u32) {
        debug_assert!(self.is_container());
        self.value = TextRange {
            start: first,
            len: last,
        };
    }

    /// Shifts the texts that are not in the source by a number of bytes.
    pub(super) fn shift_unescaped(&mut self, by: u32) {
        if !self.plain() {
            self.value.start += by;
        }
        if !self.plain_key() {
            self.key_start += by;
        }
    }
}

/// The value of a container without children.
const EMPTY: TextRange = TextRange {
    start: NONE,
    len: NONE,
};
