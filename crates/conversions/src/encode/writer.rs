//! JSON, written straight into a record.

use signalbox_core::json::JsonWriter;

use super::noted::{Noted, Role, Zone};
use super::stripped::Stripped;

/// A key as it stands between two members, `,"key":`. Made by [`key!`](crate::key).
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    name: &'static str,
    /// The text with zeros behind it: a copy of a length known beforehand is a few instructions, one of another length
    /// a call.
    padded: [u8; LONGEST_KEY],
    len: usize,
    /// FNV-1a of the text.
    hash: u64,
    role: Role,
}

/// With quotes, comma and colon.
const LONGEST_KEY: usize = 40;

impl Key {
    /// Makes a key of a name and its text of that form; keys are our own literals and need no escapes. The compiler refuses
    /// one longer than 40 bytes.
    pub const fn joined(name: &'static str, text: &'static str) -> Key {
        let (mut padded, mut hash) = ([0; LONGEST_KEY], 0xcbf2_9ce4_8422_2325_u64);
        let mut at = 0;
        while at < text.len() {
            padded[at] = text.as_bytes()[at];
            hash = (hash ^ text.as_bytes()[at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        Key {
            name,
            padded,
            len: text.len(),
            hash,
            role: Role::of(name),
        }
    }

    /// Returns the name alone.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns a hash of the name.
    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }

    /// Returns the meaning of the member for the history.
    pub(super) const fn role(&self) -> Role {
        self.role
    }
}

/// Returns the [`Key`](crate::encode::Key) of a literal, as a constant.
#[macro_export]
macro_rules! key {
    ($name:literal) => {
        const { &$crate::encode::Key::joined($name, concat!(",\"", $name, "\":")) }
    };
}

/// An object being written. Members without a value never appear.
///
/// Each member has a comma before it; that of the first stands where the opening brace belongs, which replaces it in the
/// end.
pub struct Object<'w> {
    out: &'w mut JsonWriter,
    start: usize,
    stripped: &'w Stripped,
    noted: &'w mut Noted,
    zone: Zone,
}

impl<'w> Object<'w> {
    /// Begins a record; stripped properties are left out of it and of all objects in it, and its members are noted.
    #[inline]
    pub(crate) fn open(out: &'w mut JsonWriter, stripped: &'w Stripped, noted: &'w mut Noted) -> Object<'w> {
        Object::inside(out, stripped, noted, Zone::Event)
    }

    #[inline]
    fn inside(
        out: &'w mut JsonWriter,
        stripped: &'w Stripped,
        noted: &'w mut Noted,
        zone: Zone,
    ) -> Object<'w> {
        Object {
            start: out.len(),
            out,
            stripped,
            noted,
            zone,
        }
    }

    /// Ends the object.
    #[inline]
    pub fn close(self) {
        close(self.out, self.start, *b"{}");
    }

    #[inline]
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
        self.noted.add(key, self.zone, self.out.len());
        true
    }

    /// Writes a text.
    #[inline]
    pub fn text(&mut self, key: &'static Key, text: &str) {
        if self.key(key) {
            self.out.string(text);
        }
    }

    /// Writes a text, if there is one.
    #[inline]
    pub fn text_if_any(&mut self, key: &'static Key, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// Writes a whole number.
    #[inline]
    pub fn integer(&mut self, key: &'static Key, number: i64) {
        self.raw(key, itoa::Buffer::new().format(number));
    }

    /// Writes `true` or `false`.
    #[inline]
    pub fn flag(&mut self, key: &'static Key, flag: bool) {
        self.raw(key, if flag { "true" } else { "false" });
    }

    /// Writes a literal or number that is JSON already.
    #[inline]
    pub fn raw(&mut self, key: &'static Key, json: &str) {
        if self.key(key) {
            self.out.short(json.as_bytes());
        }
    }

    /// Writes a member that `write` appends.
    #[inline]
    pub fn with(&mut self, key: &'static Key, write: impl FnOnce(&mut JsonWriter)) {
        if self.key(key) {
            write(self.out);
        }
    }

    /// Writes a member whose name the user chose; `write` appends the value. It is never stripped.
    pub fn property(&mut self, name: &str, write: impl FnOnce(&mut JsonWriter)) {
        self.out.byte(b',');
        self.out.string(name);
        self.out.byte(b':');
        self.noted.add_property(name, self.zone, self.out.len());
        write(self.out);
    }

    /// Writes an object that `fill` fills. An empty one is taken back unless `keep_empty` is set.
    #[inline]
    pub fn object<R>(
        &mut self,
        key: &'static Key,
        keep_empty: bool,
        fill: impl FnOnce(&mut Object<'_>) -> R,
    ) -> Option<R> {
        let (mark, noted) = (self.out.len(), self.noted.len());
        if !self.key(key) {
            return None;
        }
        let zone = match (self.zone, key.role) {
            (Zone::Event, Role::Person) => Zone::Person,
            (Zone::Event, Role::Page) => Zone::Page,
            (Zone::Event, _) => Zone::Object,
            _ => Zone::Inside,
        };
        let mut inner = Object::inside(self.out, self.stripped, self.noted, zone);
        let result = fill(&mut inner);
        let empty = inner.is_empty();
        inner.close();
        if empty && !keep_empty {
            self.out.truncate(mark);
            self.noted.truncate(noted);
        }
        Some(result)
    }

    /// Writes an array that `fill` fills. An empty one is taken back unless `keep_empty` is set.
    #[inline]
    pub fn array(&mut self, key: &'static Key, keep_empty: bool, fill: impl FnOnce(&mut Array<'_>)) {
        let (mark, noted) = (self.out.len(), self.noted.len());
        if !self.key(key) {
            return;
        }
        let start = self.out.len();
        fill(&mut Array {
            out: self.out,
            stripped: self.stripped,
            noted: self.noted,
        });
        if self.out.len() == start && !keep_empty {
            self.out.truncate(mark);
            self.noted.truncate(noted);
        } else {
            close(self.out, start, *b"[]");
        }
    }
}

/// Puts brackets around the text written since `start`, whose leading comma makes room for the first. An empty text has
/// none.
#[inline]
fn close(out: &mut JsonWriter, start: usize, [opening, closing]: [u8; 2]) {
    if out.len() == start {
        out.byte(opening);
    } else {
        out.replace(start, opening);
    }
    out.byte(closing);
}

/// An array being written. As in an [`Object`], the comma before the first item stands for the opening bracket.
pub struct Array<'w> {
    out: &'w mut JsonWriter,
    stripped: &'w Stripped,
    noted: &'w mut Noted,
}

impl Array<'_> {
    /// Adds a value that `write` appends.
    #[inline]
    pub fn plain(&mut self, write: impl FnOnce(&mut JsonWriter)) {
        self.out.byte(b',');
        write(self.out);
    }

    /// Adds a text.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.plain(|out| out.string(text));
    }

    /// Adds an object that `fill` fills. An empty one is taken back unless `keep_empty` is set; then the result is false.
    #[inline]
    pub fn object(&mut self, keep_empty: bool, fill: impl FnOnce(&mut Object<'_>)) -> bool {
        let mark = self.out.len();
        self.out.byte(b',');
        let mut inner = Object::inside(self.out, self.stripped, self.noted, Zone::Inside);
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
        let stripped = Stripped::from_iter(["wifi"]);
        let mut out = JsonWriter::default();
        let mut noted = Noted::default();
        let mut object = Object::open(&mut out, &stripped, &mut noted);
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
