//! JSON, written straight into a record.

use std::io::Write;

use signalbox_core::json::write_json_string;

use crate::learned::Stripped;

/// An object being written. Members without a value never appear.
pub(crate) struct Object<'w> {
    out: &'w mut Vec<u8>,
    start: usize,
    stripped: &'w Stripped,
}

impl<'w> Object<'w> {
    /// Begins an object; properties that Pinterest refused are left out of it and of all objects in it.
    pub(crate) fn open(out: &'w mut Vec<u8>, stripped: &'w Stripped) -> Object<'w> {
        out.push(b'{');
        let start = out.len();
        Object { out, start, stripped }
    }

    /// Ends the object.
    pub(crate) fn close(self) {
        self.out.push(b'}');
    }

    fn is_empty(&self) -> bool {
        self.out.len() == self.start
    }

    /// Writes a key, unless it is stripped. Keys are our own literals and need no escapes.
    fn key(&mut self, key: &'static str) -> bool {
        if self.stripped.has(key) {
            return false;
        }
        if !self.is_empty() {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        true
    }

    /// Writes a text.
    pub(crate) fn text(&mut self, key: &'static str, text: &str) {
        if self.key(key) {
            write_text(text, self.out);
        }
    }

    /// Writes a whole number.
    pub(crate) fn integer(&mut self, key: &'static str, number: i64) {
        if self.key(key) {
            // A vector takes everything.
            let _ = write!(self.out, "{number}");
        }
    }

    /// Writes `true` or `false`.
    pub(crate) fn flag(&mut self, key: &'static str, flag: bool) {
        self.raw(key, if flag { "true" } else { "false" });
    }

    /// Writes a literal or number that is JSON already.
    pub(crate) fn raw(&mut self, key: &'static str, json: &str) {
        if self.key(key) {
            self.out.extend_from_slice(json.as_bytes());
        }
    }

    /// Writes a member whose bytes `write` appends.
    pub(crate) fn with(&mut self, key: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        if self.key(key) {
            write(self.out);
        }
    }

    /// Writes an object; one that stays empty goes again, unless it is to be kept.
    pub(crate) fn object<R>(
        &mut self,
        key: &'static str,
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
    pub(crate) fn array(&mut self, key: &'static str, keep_empty: bool, fill: impl FnOnce(&mut Array<'_>)) {
        let mark = self.out.len();
        if !self.key(key) {
            return;
        }
        self.out.push(b'[');
        let start = self.out.len();
        let mut inner = Array {
            out: self.out,
            start,
            stripped: self.stripped,
        };
        fill(&mut inner);
        let empty = inner.out.len() == start;
        self.out.push(b']');
        if empty && !keep_empty {
            self.out.truncate(mark);
        }
    }
}

/// Appends a text as JSON. Nearly all need no escapes; asking all bytes at once is quick, byte after byte is not.
fn write_text(text: &str, out: &mut Vec<u8>) {
    let escapes = text.bytes().fold(false, |found, byte| {
        found | (byte < b' ') | (byte == b'"') | (byte == b'\\')
    });
    if escapes {
        write_json_string(text, out);
    } else {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

/// An array being written.
pub(crate) struct Array<'w> {
    out: &'w mut Vec<u8>,
    start: usize,
    stripped: &'w Stripped,
}

impl Array<'_> {
    fn separate(&mut self) {
        if self.out.len() > self.start {
            self.out.push(b',');
        }
    }

    /// Adds a text that needs no escapes: hexadecimal digits, or nothing.
    pub(crate) fn digits(&mut self, digits: &str) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(digits.as_bytes());
        self.out.push(b'"');
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, text: &str) {
        self.separate();
        write_text(text, self.out);
    }

    /// Adds an object; false if it stayed empty and was not to be kept, and so is not there.
    pub(crate) fn object(&mut self, keep_empty: bool, fill: impl FnOnce(&mut Object<'_>)) -> bool {
        let mark = self.out.len();
        self.separate();
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
        let mut out = Vec::new();
        let mut object = Object::open(&mut out, &stripped);
        object.flag("wifi", true);
        object.object("app_info", false, |_| ());
        object.array("contents", false, |array| {
            array.object(false, |_| ());
        });
        object.text("a", "\"x\"");
        object.object("b", true, |_| ());
        object.object("c", false, |inner| inner.flag("wifi", true));
        object.array("d", false, |array| {
            array.text("1");
            array.object(false, |item| item.flag("wifi", true));
            array.object(false, |item| item.integer("n", -1));
        });
        object.close();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"a":"\"x\"","b":{},"d":["1",{"n":-1}]}"#
        );
    }
}
