//! The arena of a parsed document and the nodes that read it.

use super::buffer_pool;
use super::kind::{KeyMark, Kind};
use super::path::Path;
use super::slot::{NONE, Slot, TextRange};
use super::source::Source;

/// Compares two short texts that are probably equal, without calling memcmp for the few bytes of a key.
#[inline]
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() || a.len() > 16 {
        return a == b;
    }
    let same = same_ends::<8>(a, b).or_else(|| same_ends::<4>(a, b));
    same.unwrap_or_else(|| a.iter().eq(b))
}

/// Compares texts of equal length by their ends, which meet or overlap; `None` if they are shorter than one end.
#[inline]
fn same_ends<const N: usize>(a: &[u8], b: &[u8]) -> Option<bool> {
    let first = a.first_chunk::<N>()? == b.first_chunk::<N>()?;
    Some(first && a.last_chunk::<N>()? == b.last_chunk::<N>()?)
}

/// Identifies a node of a [`Document`]; stays valid while the document is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

/// A parsed JSON text. Cloning copies two buffers.
#[derive(Clone)]
pub struct Document {
    /// The source text, followed by unescaped and edited strings.
    pub(super) buf: String,
    pub(super) slots: Vec<Slot>,
    /// The source text at the start of `buf`, and the parts of it that a writer may copy.
    pub(super) source: Source,
}

impl Drop for Document {
    fn drop(&mut self) {
        buffer_pool::give(std::mem::take(&mut self.buf), std::mem::take(&mut self.slots));
    }
}

/// Prints the size only: a document holds personal data.
impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Document({} nodes, {} bytes)",
            self.slots.len(),
            self.buf.len()
        )
    }
}

impl Document {
    /// Returns the whole value.
    pub fn root(&self) -> Node<'_> {
        Node { doc: self, at: 0 }
    }

    /// Returns a node by its [`Node::id`].
    pub fn node(&self, id: NodeId) -> Node<'_> {
        debug_assert!((id.0 as usize) < self.slots.len());
        Node { doc: self, at: id.0 }
    }

    /// Prefetches the document into this core's cache. Walking a document that another core parsed stalls on every
    /// node; touching it linearly first does not, since the loads are independent.
    pub fn fetch(&self) {
        // Two values and 64 bytes of text are at most a cache line each.
        let values = self.slots.iter().step_by(2).map(|slot| slot.next as u8);
        let text = self.buf.as_bytes().iter().step_by(64).copied();
        std::hint::black_box(text.chain(values).fold(0, |all, byte| all ^ byte));
    }

    /// Returns the memory held in bytes, for bounds on caches.
    pub fn memory(&self) -> usize {
        self.buf.capacity() + self.slots.capacity() * std::mem::size_of::<Slot>()
    }

    #[inline(always)]
    pub(super) fn text(&self, range: TextRange) -> &str {
        let start = range.start as usize;
        self.buf
            .get(start..start + range.len as usize)
            .unwrap_or_default()
    }
}

/// The kind and the text of a [`Node`]. Not printable: values may be personal data.
#[derive(Clone, Copy)]
pub enum Content<'a> {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A number in its source spelling.
    Number(&'a str),
    /// The text of a string.
    String(&'a str),
    /// An array; its items are those of the node.
    Array,
    /// An object; its members are those of the node.
    Object,
}

/// A value inside a [`Document`]: a copyable reference.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub(super) doc: &'a Document,
    pub(super) at: u32,
}

/// Prints the kind only: values may be personal data.
impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({})", self.kind().name())
    }
}

impl<'a> Node<'a> {
    #[inline]
    pub(super) fn slot(self) -> &'a Slot {
        &self.doc.slots[self.at as usize]
    }

    /// Returns the id, which finds this node again after edits.
    pub fn id(self) -> NodeId {
        NodeId(self.at)
    }

    /// Returns the key of a member of an object; empty for an item of an array and for the root.
    #[inline]
    pub fn key(self) -> &'a str {
        self.doc.text(self.slot().key())
    }

    /// Compares [`Node::key`] with `key`. Callers compare the marks first, since those are cheaper.
    #[inline]
    pub fn has_key(self, key: &str) -> bool {
        let TextRange { start, len } = self.slot().key();
        let bytes = self.doc.buf.as_bytes();
        let own = bytes.get(start as usize..start as usize + len as usize);
        own.is_some_and(|own| same_bytes(own, key.as_bytes()))
    }

    /// Returns the mark of [`Node::key`].
    #[inline]
    pub fn key_mark(self) -> KeyMark {
        self.slot().key_mark
    }

    /// Returns the kind of this value.
    #[inline]
    pub fn kind(self) -> Kind {
        self.slot().kind()
    }

    /// Returns the kind of this value with its text.
    #[inline(always)]
    pub fn content(self) -> Content<'a> {
        let slot = self.slot();
        match slot.kind() {
            Kind::Null => Content::Null,
            Kind::Bool => Content::Bool(slot.truth()),
            Kind::Number => Content::Number(self.doc.text(slot.text())),
            Kind::String => Content::String(self.doc.text(slot.text())),
            Kind::Array => Content::Array,
            Kind::Object => Content::Object,
        }
    }

    /// Returns true for `null`.
    #[inline]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Returns the text of a string; `None` for anything else.
    #[inline]
    pub fn as_str(self) -> Option<&'a str> {
        let slot = self.slot();
        (slot.kind() == Kind::String).then(|| self.doc.text(slot.text()))
    }

    /// Returns the value of a boolean; `None` for anything else.
    #[inline]
    pub fn as_bool(self) -> Option<bool> {
        let slot = self.slot();
        (slot.kind() == Kind::Bool).then_some(slot.truth())
    }

    /// Returns a number in its source spelling (`1.0`, `1e3`, `12345678901234567890`).
    #[inline]
    pub fn number_text(self) -> Option<&'a str> {
        let slot = self.slot();
        (slot.kind() == Kind::Number).then(|| self.doc.text(slot.text()))
    }

    /// Returns a number as the nearest double; `None` if it is not a number or outside the doubles (`1e400`).
    pub fn as_f64(self) -> Option<f64> {
        let value: f64 = self.number_text()?.parse().ok()?;
        value.is_finite().then_some(value)
    }

    /// Returns a member of an object by its key.
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        let slot = self.slot();
        if slot.kind() != Kind::Object {
            return None;
        }
        let wanted = KeyMark::of(key);
        let mut at = slot.first();
        while at != NONE {
            let child = &self.doc.slots[at as usize];
            if child.key_mark == wanted && (Node { doc: self.doc, at }).has_key(key) {
                return Some(Node { doc: self.doc, at });
            }
            at = child.next;
        }
        None
    }

    /// Returns several members of an object by their keys, as [`Node::get`] does for each, by one walk over the members.
    pub fn get_all<const N: usize>(self, keys: [&str; N]) -> [Option<Node<'a>>; N] {
        let marks = keys.map(KeyMark::of);
        let (mut found, mut missing) = ([None; N], N);
        for child in self.children_of(Kind::Object) {
            let mark = child.key_mark();
            // Most members are not wanted: all marks are compared first, without a branch for each.
            if !marks.iter().fold(false, |hit, wanted| hit | (*wanted == mark)) {
                continue;
            }
            for ((wanted, key), found) in marks.iter().zip(&keys).zip(&mut found) {
                // The first of equal keys counts.
                if *wanted == mark && found.is_none() && child.has_key(key) {
                    *found = Some(child);
                    missing -= 1;
                }
            }
            if missing == 0 {
                break;
            }
        }
        found
    }

    /// Returns an item of an array by its index.
    pub fn index(self, index: usize) -> Option<Node<'a>> {
        if self.kind() != Kind::Array {
            None
        } else {
            self.children().nth(index)
        }
    }

    /// Returns the value at a path below this one; an index selects an item of an array.
    pub fn at(self, path: &Path) -> Option<Node<'a>> {
        let mut node = self;
        for step in path.steps() {
            node = match node.kind() {
                Kind::Object => node.get(step)?,
                Kind::Array => node.index(step.parse().ok()?)?,
                _ => return None,
            };
        }
        Some(node)
    }

    /// Counts members or items by a walk over them; 0 for scalars.
    pub fn len(self) -> usize {
        self.children().count()
    }

    /// Returns true if there are no members or items.
    pub fn is_empty(self) -> bool {
        self.slot().first() == NONE
    }

    /// Returns the members of an object in order; none for other kinds.
    pub fn members(self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.children_of(Kind::Object).map(|node| (node.key(), node))
    }

    /// Returns the items of an array in order; none for other kinds.
    pub fn items(self) -> impl Iterator<Item = Node<'a>> {
        self.children_of(Kind::Array)
    }

    /// Returns true if `test` does for a text anywhere in the document, in no particular order, without following its
    /// structure; texts that edits have taken out may be among them. Keys are not.
    pub fn any_string(self, mut test: impl FnMut(&'a str) -> bool) -> bool {
        let strings = self.doc.slots.iter().filter(|slot| slot.kind() == Kind::String);
        strings.into_iter().any(|slot| test(self.doc.text(slot.text())))
    }

    /// Returns the items of an array or values of an object.
    pub fn children(self) -> impl Iterator<Item = Node<'a>> {
        self.siblings(self.slot().first())
    }

    #[inline]
    fn children_of(self, kind: Kind) -> Siblings<'a> {
        let slot = self.slot();
        self.siblings(if slot.kind() == kind { slot.first() } else { NONE })
    }

    #[inline]
    fn siblings(self, first: u32) -> Siblings<'a> {
        Siblings {
            doc: self.doc,
            at: first,
        }
    }
}

struct Siblings<'a> {
    doc: &'a Document,
    at: u32,
}

impl<'a> Iterator for Siblings<'a> {
    type Item = Node<'a>;

    #[inline]
    fn next(&mut self) -> Option<Node<'a>> {
        if self.at == NONE {
            return None;
        }
        let node = Node {
            doc: self.doc,
            at: self.at,
        };
        self.at = node.slot().next;
        Some(node)
    }
}
