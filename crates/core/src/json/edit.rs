//! Edits a [`Document`] in place.

use super::document::{Document, Node, NodeId};
use super::kind::{KeyMark, Kind};
use super::path::Path;
use super::slot::{Held, NONE, Slot, TextRange};
use super::write::is_plain;

/// A scalar to write into a document.
#[derive(Clone, Copy)]
pub enum Scalar<'a> {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A number as JSON text, for instance `12` or `1.0`.
    Number(&'a str),
    /// A string.
    String(&'a str),
}

impl Document {
    /// Overwrites a value with a scalar. Its key and its position among its siblings stay.
    pub fn set_node(&mut self, id: NodeId, scalar: Scalar<'_>) {
        let held = self.store(scalar);
        self.hold(id.0, held);
    }

    /// Writes a scalar at a path and creates the objects on the way, replacing scalars, nulls and arrays where an
    /// object is needed. The empty path does nothing.
    pub fn set(&mut self, path: &Path, scalar: Scalar<'_>) {
        let Some(last) = path.steps.len().checked_sub(1) else {
            return;
        };
        let mut at = 0;
        for step in &path.steps[..last] {
            self.make_object(at);
            at = self.member_or_new(at, step);
        }
        self.make_object(at);
        let at = self.member_or_new(at, &path.steps[last]);
        self.set_node(NodeId(at), scalar);
    }

    /// Removes the value at a path. Returns false if there was none.
    pub fn remove(&mut self, path: &Path) -> bool {
        let Some(target) = self.root().at(path).map(Node::id) else {
            return false;
        };
        let (parents, _) = path.steps.split_at(path.steps.len().saturating_sub(1));
        let parent = self
            .root()
            .at(&Path {
                steps: parents.to_vec(),
            })
            .map(Node::id);
        parent.is_some_and(|parent| self.remove_child(parent, target))
    }

    /// Removes a member or item of a container. Returns false if it is not one of its children.
    pub fn remove_child(&mut self, parent: NodeId, child: NodeId) -> bool {
        let Some(slot) = self.slots.get(parent.0 as usize) else {
            return false;
        };
        let (mut previous, mut at) = (NONE, slot.first());
        while at != NONE && at != child.0 {
            previous = at;
            at = self.slots[at as usize].next;
        }
        if at == NONE {
            return false;
        }
        let next = self.slots[at as usize].next;
        if previous != NONE {
            self.slots[previous as usize].next = next;
        }
        let slot = &mut self.slots[parent.0 as usize];
        let first = if previous == NONE { next } else { slot.first() };
        let last = if next == NONE { previous } else { slot.last() };
        slot.set_children(first, last);
        self.source.touch(parent.0);
        self.source.removed(child.0, next);
        true
    }

    /// Copies `from` (of another document) to a member of this document's object `parent`, replacing a value there.
    pub fn graft(&mut self, parent: NodeId, key: &str, from: Node<'_>) {
        self.make_object(parent.0);
        let at = self.member_or_new(parent.0, key);
        self.copy_into(at, from);
    }

    /// Merges the object `from` under the object `into`: copies missing members, merges objects present in both
    /// likewise, and leaves everything else unchanged.
    pub fn merge_under(&mut self, into: NodeId, from: Node<'_>) {
        for (key, value) in from.members() {
            match self.node(into).get(key).map(|node| (node.id(), node.kind())) {
                None => self.graft(into, key, value),
                Some((id, Kind::Object)) if value.kind() == Kind::Object => self.merge_under(id, value),
                Some(_) => {}
            }
        }
    }

    fn copy_into(&mut self, at: u32, from: Node<'_>) {
        let scalar = match from.kind() {
            Kind::Null => Scalar::Null,
            Kind::Bool => Scalar::Bool(from.as_bool().unwrap_or_default()),
            Kind::Number => Scalar::Number(from.number_text().unwrap_or("0")),
            Kind::String => Scalar::String(from.as_str().unwrap_or_default()),
            kind @ (Kind::Array | Kind::Object) => {
                self.hold(at, Held::Empty(kind));
                for (key, value) in from.members() {
                    let child = self.append(at, Some(key));
                    self.copy_into(child, value);
                }
                for value in from.items() {
                    let child = self.append(at, None);
                    self.copy_into(child, value);
                }
                return;
            }
        };
        self.set_node(NodeId(at), scalar);
    }

    fn make_object(&mut self, at: u32) {
        if self.slots[at as usize].kind() != Kind::Object {
            self.hold(at, Held::Empty(Kind::Object));
        }
    }

    fn hold(&mut self, at: u32, held: Held) {
        if let Some(slot) = self.slots.get_mut(at as usize) {
            slot.hold(held);
            self.source.touch(at);
        }
    }

    fn member_or_new(&mut self, object: u32, key: &str) -> u32 {
        match self.node(NodeId(object)).get(key) {
            Some(node) => node.at,
            None => self.append(object, Some(key)),
        }
    }

    /// Appends a null member (or item, which has no key) to a container.
    fn append(&mut self, parent: u32, key: Option<&str>) -> u32 {
        // Writes the comma and the colon around the key too, so that members added one after the other are copied in
        // one piece.
        self.buf.push(',');
        let (range, plain_key) = match key {
            Some(key) => self.push_string(key),
            None => (TextRange::default(), false),
        };
        if key.is_some() {
            self.buf.push(':');
        }
        let at = self.slots.len() as u32;
        let mark = KeyMark::of(key.unwrap_or_default());
        self.slots.push(Slot::new(range, plain_key, mark, Held::Null));
        let container = &mut self.slots[parent as usize];
        let last = container.last();
        if last == NONE {
            container.set_children(at, at);
        } else {
            container.set_children(container.first(), at);
            self.slots[last as usize].next = at;
        }
        self.source.added(parent, last, at);
        self.source.touch(parent);
        at
    }

    /// Stores a scalar's text and returns the slot's content.
    fn store(&mut self, scalar: Scalar<'_>) -> Held {
        match scalar {
            Scalar::Null => Held::Null,
            Scalar::Bool(truth) => Held::Bool(truth),
            Scalar::Number(text) => Held::Number(self.push_text(text)),
            Scalar::String(text) => {
                let (range, plain) = self.push_string(text);
                Held::String(range, plain)
            }
        }
    }

    /// Stores a string, between quotes if it needs no escapes.
    fn push_string(&mut self, text: &str) -> (TextRange, bool) {
        let plain = is_plain(text.as_bytes());
        if !plain {
            return (self.push_text(text), false);
        }
        self.buf.reserve(text.len() + 2);
        self.buf.push('"');
        let range = self.push_text(text);
        self.buf.push('"');
        (range, true)
    }

    fn push_text(&mut self, text: &str) -> TextRange {
        let start = self.buf.len() as u32;
        self.buf.push_str(text);
        TextRange {
            start,
            len: text.len() as u32,
        }
    }
}
