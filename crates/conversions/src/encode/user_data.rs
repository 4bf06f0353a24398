//! The user's data, which cannot hold plain personal values: its hashed members take hashes and nothing else.

use signalbox_core::Sha256Hex;
use signalbox_core::json::JsonWriter;

use super::members::is_prefix;
use super::writer::{Key, Object};
use crate::field::{Kind, Row};
use crate::personal::segment::SegmentHash;

/// The key of a member that holds hashes. Only a row of [`Kind::Hashed`] has one
/// ([`PersonalField`](super::PersonalField)).
#[derive(Debug, Clone, Copy)]
pub struct HashedKey(pub(super) &'static Key);

impl HashedKey {
    /// Returns the name in the request.
    #[inline]
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// The key of a member that the destination needs as it is.
#[derive(Debug, Clone, Copy)]
pub struct PlainKey(&'static Key);

impl PlainKey {
    /// Returns the key of a row, for constants. The compiler refuses one that is hashed, or not in the table.
    pub const fn of(rows: &'static [Row], name: &str) -> PlainKey {
        let mut at = 0;
        while matches!(rows[at].kind, Kind::Hashed(_)) || !is_prefix(rows[at].key.name(), name, name.len()) {
            at += 1;
        }
        PlainKey(rows[at].key)
    }

    /// Returns the name, in mappings and in the request.
    #[inline]
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// A hash. There are two kinds: a SHA-256, and a value that Segment sends in its place (a SHA-256 in upper case, a blank,
/// a text that it takes for a hash), which `compat = "segment"` passes on.
pub trait Hashed: sealed::Sealed {
    /// Appends the text to send, in quotes.
    fn push(&self, out: &mut JsonWriter);

    /// Appends a list that holds this hash alone.
    fn push_alone(&self, out: &mut JsonWriter) {
        out.byte(b'[');
        self.push(out);
        out.byte(b']');
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for signalbox_core::Sha256Hex {}
    impl Sealed for crate::personal::segment::SegmentHash<'_> {}
}

impl Hashed for Sha256Hex {
    #[inline]
    fn push(&self, out: &mut JsonWriter) {
        let mut text = [b'"'; 66];
        text[1..65].copy_from_slice(self.as_bytes());
        out.part(&text, 66);
    }

    // One store of constant length.
    #[inline]
    fn push_alone(&self, out: &mut JsonWriter) {
        let mut list = [b'"'; 68];
        (list[0], list[67]) = (b'[', b']');
        list[2..66].copy_from_slice(self.as_bytes());
        out.part(&list, 68);
    }
}

impl Hashed for SegmentHash<'_> {
    #[inline]
    fn push(&self, out: &mut JsonWriter) {
        out.string(self.as_str());
    }
}

/// The object being written.
///
/// A text is no hash, so it cannot get into a hashed member:
///
/// ```compile_fail
/// # use signalbox_conversions::encode::{PersonalField, UserData};
/// fn leak(user_data: &mut UserData<'_, '_>, email: &PersonalField) {
///     user_data.hashed(email.key, &["ada@example.com"]);
/// }
/// ```
/// A hash compiles:
/// ```
/// # use signalbox_core::Sha256Hex;
/// # use signalbox_conversions::encode::{PersonalField, UserData};
/// fn fine(user_data: &mut UserData<'_, '_>, email: &PersonalField) {
///     user_data.hashed(email.key, &[Sha256Hex::of("ada@example.com")]);
/// }
/// ```
pub struct UserData<'o, 'w>(&'o mut Object<'w>);

impl<'o, 'w> UserData<'o, 'w> {
    /// Writes into this object.
    #[inline]
    pub fn new(object: &'o mut Object<'w>) -> Self {
        UserData(object)
    }

    /// Writes a hashed member; an empty list writes nothing.
    #[inline]
    pub fn hashed<H: Hashed>(&mut self, key: HashedKey, values: &[H]) {
        match values {
            [] => {}
            [value] => self.0.with(key.0, |out| value.push_alone(out)),
            _ => self.hashed_even_if_empty(key, values),
        }
    }

    /// Writes a hashed member, `[]` for an empty list, as Segment does.
    pub fn hashed_even_if_empty<H: Hashed>(&mut self, key: HashedKey, values: &[H]) {
        self.0.array(key.0, true, |array| {
            for value in values {
                array.plain(|out| value.push(out));
            }
        });
    }

    /// Writes a hashed member that holds one text instead of a list.
    #[inline]
    pub fn hashed_text<H: Hashed>(&mut self, key: HashedKey, value: &H) {
        self.0.with(key.0, |out| value.push(out));
    }

    /// Writes a member that the destination needs as it is.
    #[inline]
    pub fn plain(&mut self, key: PlainKey, text: &str) {
        self.0.text(key.0, text);
    }

    /// Writes a list that the destination needs as it is; an empty one writes nothing.
    pub fn plain_list(&mut self, key: PlainKey, texts: &[&str]) {
        self.0.array(key.0, false, |array| {
            texts.iter().for_each(|text| array.text(text))
        });
    }

    /// Writes such a member, if there is a text.
    #[inline]
    pub fn plain_if_any(&mut self, key: PlainKey, text: Option<&str>) {
        self.0.text_if_any(key.0, text);
    }

    /// Writes `null`.
    #[inline]
    pub fn null(&mut self, key: PlainKey) {
        self.0.raw(key.0, "null");
    }
}
