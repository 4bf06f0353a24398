//! `user_data`, which cannot hold plain personal data: its hashed members take hashes and nothing else.

use signalbox_conversions::personal::segment;
use signalbox_core::Sha256Hex;
use signalbox_core::json::JsonWriter;

use crate::action::{HashedKey, PlainKey};
use signalbox_conversions::encode::Object;

/// Something that is a hash. There are two: a SHA-256, and what Segment sends in its place (a SHA-256 in upper case, or
/// a blank), which `compat = "segment"` passes on. Neither can be made of plain text.
pub trait Hashed: sealed::Sealed {
    /// Appends the text to send, in quotes; it needs no escapes.
    fn push(&self, out: &mut JsonWriter);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for signalbox_core::Sha256Hex {}
    impl Sealed for signalbox_conversions::personal::segment::Value {}
}

impl Hashed for Sha256Hex {
    fn push(&self, out: &mut JsonWriter) {
        out.byte(b'"');
        out.part(self.as_bytes(), 64);
        out.byte(b'"');
    }
}

impl Hashed for segment::Value {
    fn push(&self, out: &mut JsonWriter) {
        out.byte(b'"');
        out.short(self.as_str().as_bytes());
        out.byte(b'"');
    }
}

/// The object being written.
///
/// A text is no hash, so it cannot get into a hashed member:
///
/// ```compile_fail
/// # use signalbox_pinterest_conversions::wire::{HashedKey, UserData};
/// fn leak(user_data: &mut UserData<'_, '_>) {
///     user_data.hashed(HashedKey::Em, &["ada@example.com"]);
/// }
/// ```
/// What does compile:
/// ```
/// # use signalbox_core::Sha256Hex;
/// # use signalbox_pinterest_conversions::wire::{HashedKey, UserData};
/// fn fine(user_data: &mut UserData<'_, '_>) {
///     user_data.hashed(HashedKey::Em, &[Sha256Hex::of("ada@example.com")]);
/// }
/// ```
pub struct UserData<'o, 'w>(&'o mut Object<'w>);

impl<'o, 'w> UserData<'o, 'w> {
    pub(crate) fn new(object: &'o mut Object<'w>) -> Self {
        UserData(object)
    }

    /// Writes a hashed member; an empty list writes nothing.
    pub fn hashed<H: Hashed>(&mut self, key: HashedKey, values: &[H]) {
        if !values.is_empty() {
            self.hashed_even_if_empty(key, values);
        }
    }

    /// Writes a hashed member, `[]` for an empty list, as Segment does.
    pub(crate) fn hashed_even_if_empty<H: Hashed>(&mut self, key: HashedKey, values: &[H]) {
        self.0.array(key.key(), true, |array| {
            for value in values {
                array.plain(|out| value.push(out));
            }
        });
    }

    /// Writes a member that Pinterest needs as it is.
    pub fn plain(&mut self, key: PlainKey, text: &str) {
        self.0.text(key.key(), text);
    }

    /// Writes `null`, which Segment sends for two members.
    pub(crate) fn null(&mut self, key: PlainKey) {
        self.0.raw(key.key(), "null");
    }
}
