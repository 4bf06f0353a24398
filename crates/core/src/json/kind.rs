//! The kinds of values and the marks of keys.

/// The kinds of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// a number; its source text is kept
    Number,
    /// a string
    String,
    /// an array
    Array,
    /// an object
    Object,
}

impl Kind {
    /// Returns the name with its article: "null", "a boolean", "an array".
    pub fn with_article(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Array => "an array",
            Kind::Object => "an object",
        }
    }

    /// Returns the name for messages: "null", "boolean", "number", "string", "array", "object".
    pub fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "boolean",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Object => "object",
        }
    }
}

/// A cheap fingerprint of a key, computed once at parsing: equal keys have equal marks, keys with different marks
/// differ. Tables of wanted keys compare marks first and read only the keys that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct KeyMark(u32);

impl KeyMark {
    /// Computes the mark of a key from its length and its first, middle and last byte, which keys of one object seldom
    /// share.
    #[inline]
    pub fn of(key: &str) -> KeyMark {
        KeyMark::of_bytes(key.as_bytes())
    }

    #[inline]
    pub(super) fn of_bytes(bytes: &[u8]) -> KeyMark {
        let n = bytes.len();
        let (Some(a), Some(b), Some(c)) = (bytes.first(), bytes.get(n / 2), bytes.last()) else {
            return KeyMark(0);
        };
        KeyMark((n as u32) << 24 ^ u32::from(*a) << 16 ^ u32::from(*b) << 8 ^ u32::from(*c))
    }

    /// Returns a number whose upper bits are well mixed, for hash tables.
    #[inline]
    pub fn spread(self) -> u32 {
        self.0.wrapping_mul(0x9e37_79b1)
    }
}
