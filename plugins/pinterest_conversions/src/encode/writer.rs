//! JSON, written straight into a record.

use signalbox_core::json::JsonWriter;

use crate::stripped_fields::Stripped;

/// A key as it stands between two members, `,"key":`. Made by [`key!`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key {
    name: &'static str,
    /// The text with zeros behind it: a copy of a length known beforehand is a few instructions, one of another length
    /// a call.
    padded: [u8; LONGEST_KEY],
    len: usize,
}

/// With quotes, comma and colon.
const LONGEST_KEY: usize = 40;

impl Key {
    /// From a name and its text of that form; keys are our own literals and need no escapes. The compiler refuses one
    /// that is longer than [`LONGEST_KEY`].
    pub(crate) const fn joined(name: &'static str, text: &'static str) -> Key {
        let mut padded = [0; LONGEST_KEY];
        let mut at = 0;
        while at < text.len() {
            padded[at] = text.as_bytes()[at];
            at += 1;
        }
        Key {
            name,
            padded,
            len: text.len(),
        }
    }

    /// The key alone.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }
}

/// The [`Key`] of a literal.
macro_rules! key {
    ($name:literal) => {
        const { &$crate::encode::writer::Key::joined($name, concat!(",\"", $name, "\":")) }
    };
}
pub(crate) use key;

/// An object being written. Members without a value never appear.
///
/// Each member has a comma before it; that of the first stands where the opening brace belongs, which replaces it in the
/// end.
pub(crate) struct Object<'w> {
    out: &'w mut JsonWriter,
    start: usize,
    stripped: &'w Stripped,
}

impl<'w> Object<'w> {
    /// Begins an object; properties that Pinterest refused are left out of it and of all objects in it.
    pub(crate) fn open(out: &'w mut JsonWriter, stripped: &'w Stripped) -> Object<'w> {
        let start = out.len();
        Object { out, start, stripped }
    }

    /// Ends the object.
    pub(crate) fn close(self) {
        close(self.out, self.start, *b"{}");
    }

    fn is_empty(&self) -> bool {
        self.out.len() == self.start
    }

    /// Writes a key, unless it is stripped.
    #[inline]
    fn key(&mut self, key: &'static Key) -> bool {
        if self.stripped.has(key.name()) {
            return false;
        }
        self.out.part(&key.padded, key.len);
        true
    }

    /// Writes a text.
    pub(crate) fn text(&mut self, key: &'static Key, text: &str) {
        if self.key(key) {
            self.out.string(text);
        }
    }

    /// Writes a whole number.
    pub(crate) fn integer(&mut self, key: &'static Key, number: i64) {
        self.raw(key, itoa::Buffer::new().format(number));
    }

    /// Writes `true` or `false`.
    pub(crate) fn flag(&mut self, key: &'static Key, flag: bool) {
        self.raw(key, if flag { "true" } else { "false" });
    }

    /// Writes a literal or number that is JSON already.
    pub(crate) fn raw(&mut self, key: &'static Key, json: &str) {
        if self.key(key) {
            self.out.short(json.as_bytes());
        }
    }

    /// Writes a member that `write` appends.
    pub(crate) fn with(&mut self, key: &'static Key, write: impl FnOnce(&mut JsonWriter)) {
        if self.key(key) {
            write(self.out);
        }
    }

    /// Writes an object; one that stays empty goes again, unless it is to be kept.
    pub(crate) fn object<R>(
        &mut self,
        key: &'static Key,
        keep_empty: bool,
        fill: impl FnOnce(&mut Object<'_>) -> R,
    ) -> Option<R> {
        let mark = self.out.len();
        if !self.key(key) {
            return None;
        }
        let mut inner = Object::open(self.out, self.stripped);
        let result = fill(&mut inner);
        let empty = inner.is_empty();
        inner.close();
        if empty && !keep_empty {
            self.out.truncate(mark);
        }
        Some(result)
    }

    /// Writes an array; one that stays empty goes again, unless it is to be kept.
    pub(crate) fn array(&mut self, key: &'static Key, keep_empty: bool, fill: impl FnOnce(&mut Array<'_>)) {
        let mark = self.out.len();
        if !self.key(key) {
            return;
        }
        let start = self.out.len();
        fill(&mut Array {
            out: self.out,
            stripped: self.stripped,
        });
        if self.out.len() == start && !keep_empty {
            self.out.truncate(mark);
        } else {
            close(self.out, start, *b"[]");
        }
    }
}

/// Puts brackets around what was written since `start`, where a comma stands unless that is nothing.
fn close(out: &mut JsonWriter, start: usize, [opening, closing]: [u8; 2]) {
    if out.len() == start {
        out.byte(opening);
    } else {
        out.replace(start, opening);
    }
    out.byte(closing);
}

/// An array being written. As in an [`Object`], the comma before the first item stands for the opening bracket.
pub(crate) struct Array<'w> {
    out: &'w mut JsonWriter,
    stripped: &'w Stripped,
}

impl Array<'_> {
    /// Adds a value that `write` appends.
    pub(crate) fn plain(&mut self, write: impl FnOnce(&mut JsonWriter)) {
        self.out.byte(b',');
        write(self.out);
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, text: &str) {
        self.plain(|out| out.string(text));
    }

    /// Adds an object; false if it stayed empty and was not to be kept, and so is not there.
    pub(crate) fn object(&mut self, keep_empty: bool, fill: impl FnOnce(&mut Object<'_>)) -> bool {
        let mark = self.out.len();
        self.out.byte(b',');
        let mut inner = Object::open(self.out, self.stripped);
        fill(&mut inner);
        let empty = inner.is_empty();
        inner.close();
        if empty && !keep_empty {
            self.out.truncate(mark);
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_stripped_members_leave_no_trace() {
        let stripped = Stripped::of(["wifi"]);
        let mut out = JsonWriter::default();
        let mut object = Object::open(&mut out, &stripped);
        object.flag(key!("wifi"), true);
        object.object(key!("app_info"), false, |_| ());
        object.array(key!("contents"), false, |array| {
            array.object(false, |_| ());
        });
        object.text(key!("a"), "\"x\"");
        object.object(key!("b"), true, |_| ());
        object.object(key!("c"), false, |inner| inner.flag(key!("wifi"), true));
        object.array(key!("d"), false, |array| {
            array.text("1");
            array.object(false, |item| item.flag(key!("wifi"), true));
            array.object(false, |item| item.integer(key!("n"), -1));
        });
        object.close();
        assert_eq!(
            std::str::from_utf8(out.as_bytes()).unwrap(),
            r#"{"a":"\"x\"","b":{},"d":["1",{"n":-1}]}"#
        );
    }
}
