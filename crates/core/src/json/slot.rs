//! How a value of a document lies in memory.

use super::kind::{KeyMark, Kind};

/// A range of the document's buffer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TextRange {
    pub(super) start: u32,
    pub(super) len: u32,
}

/// No such slot: the end of a list of siblings, an empty container.
pub(super) const NONE: u32 = u32::MAX;

/// One value. An event has about ninety, which are written by one core and mostly read by another, so they are small.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    key_start: u32,
    about: About,
    /// Of a string or number its text, of an array or object its first and last child, of a boolean its truth.
    value: TextRange,
    /// The next child of the same container.
    pub(super) next: u32,
    pub(super) key_mark: KeyMark,
}

// Eight lie in three cache lines.
const _: () = assert!(size_of::<Slot>() == 24);

/// The kind in three bits, then whether the value's text and the key stand in the source without escapes, so that they
/// can be copied out as they are, then the length of the key.
#[derive(Debug, Clone, Copy)]
struct About(u32);

const PLAIN: u32 = 1 << 3;
const PLAIN_KEY: u32 = 1 << 4;
const KEY_LEN: u32 = 5;

/// No text is as long, so that the length of any key fits.
pub(super) const TOO_LONG: usize = 1 << (u32::BITS - KEY_LEN);

impl About {
    #[inline]
    fn with_value(self, kind: Kind, plain: bool) -> About {
        let keep = self.0 & !(KIND | PLAIN);
        About(keep | kind as u32 | if plain { PLAIN } else { 0 })
    }
}

const KIND: u32 = 0b111;

/// What a slot's value is.
#[derive(Clone, Copy)]
pub(super) enum Held {
    Null,
    Bool(bool),
    /// Its text.
    Number(TextRange),
    /// Its text, and whether that stands between quotes without escapes.
    String(TextRange, bool),
    /// An array or object without children.
    Empty(Kind),
}

impl Slot {
    /// The last child of nothing. With its key and whether that stands between quotes without escapes.
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

    /// The text of a string or number.
    #[inline(always)]
    pub(super) fn text(&self) -> TextRange {
        self.value
    }

    /// The truth of a boolean.
    #[inline(always)]
    pub(super) fn truth(&self) -> bool {
        self.value.start == 1
    }

    /// Whether the key stands in the source between quotes, without escapes.
    #[inline]
    pub(super) fn plain_key(&self) -> bool {
        self.about.0 & PLAIN_KEY != 0
    }

    /// Whether the text of a string stands in the source between quotes, without escapes; true for all other values.
    #[inline]
    pub(super) fn plain(&self) -> bool {
        self.about.0 & PLAIN != 0
    }

    /// The first child; [`NONE`] if there is none.
    #[inline]
    pub(super) fn first(&self) -> u32 {
        if self.is_container() {
            self.value.start
        } else {
            NONE
        }
    }

    /// The last child; [`NONE`] if there is none.
    #[inline]
    pub(super) fn last(&self) -> u32 {
        if self.is_container() { self.value.len } else { NONE }
    }

    /// Gives an array or object these children.
    #[inline]
    pub(super) fn set_children(&mut self, first: u32, last: u32) {
        debug_assert!(self.is_container());
        self.value = TextRange {
            start: first,
            len: last,
        };
    }

    /// Moves the texts that are not in the source by so many bytes.
    pub(super) fn shift_unescaped(&mut self, by: u32) {
        if !self.plain() {
            self.value.start += by;
        }
        if !self.plain_key() {
            self.key_start += by;
        }
    }
}

/// The children of a container that has none.
const EMPTY: TextRange = TextRange {
    start: NONE,
    len: NONE,
};
