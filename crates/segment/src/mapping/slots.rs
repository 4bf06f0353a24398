//! Looks up all paths of a mapping in one walk over the event.
//!
//! A mapping has dozens of paths that share prefixes, and many of them are absent. Looking up each alone scans the same
//! objects repeatedly. This walk visits each object once and looks up each member in a small hash table of wanted keys.

use crate::value::{Value, ValuePath};
use bumpalo::Bump;
use signalbox_core::Kind;
use signalbox_core::json::KeyMark;

/// The tree of wanted keys. Node 0 is the payload itself; a slot is the index of a node.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    nodes: Vec<KeyNode>,
}

#[derive(Debug, Default)]
struct KeyNode {
    children: Vec<Child>,
    /// Hash table with open addressing; its length is a power of two.
    table: Vec<Bucket>,
}

/// An entry of the hash table. Slot 0, which is the payload's and no child's, marks a free one.
#[derive(Debug, Clone, Default)]
struct Bucket {
    mark: KeyMark,
    slot: u32,
    key: Box<str>,
}

#[derive(Debug)]
struct Child {
    key: Box<str>,
    mark: KeyMark,
    /// The key as a path, for arrays and text.
    path: ValuePath,
    slot: u32,
}

impl Slots {
    pub(super) fn new() -> Self {
        Slots {
            nodes: vec![KeyNode::default()],
        }
    }

    /// Adds a path and returns its slot.
    pub(super) fn slot(&mut self, path: &ValuePath) -> usize {
        let mut at = 0;
        for key in path.keys() {
            let known = self.nodes[at].children.iter().find(|child| &*child.key == key);
            at = match known {
                Some(child) => child.slot as usize,
                None => {
                    let slot = self.nodes.len();
                    self.nodes.push(KeyNode::default());
                    let path = ValuePath::new([key.to_owned()]);
                    self.nodes[at].children.push(Child {
                        key: key.into(),
                        mark: KeyMark::of(key),
                        path,
                        slot: slot as u32,
                    });
                    slot
                }
            };
        }
        at
    }

    /// Builds the hash tables, once all paths are added.
    pub(super) fn finish(mut self) -> Self {
        for node in &mut self.nodes {
            node.table = vec![Bucket::default(); (node.children.len() * 4).next_power_of_two()];
            let last = node.table.len() - 1;
            for child in &node.children {
                let mut at = start(child.mark);
                while node.table[at & last].slot != 0 {
                    at += 1;
                }
                node.table[at & last] = Bucket {
                    mark: child.mark,
                    slot: child.slot,
                    key: child.key.clone(),
                };
            }
        }
        self
    }

    /// Returns the values of all slots.
    pub(super) fn fill<'a>(&self, payload: Value<'a>, arena: &'a Bump) -> &'a [Value<'a>] {
        let values = arena.alloc_slice_fill_copy(self.nodes.len(), Value::Undefined);
        values[0] = payload;
        self.children(&self.nodes[0], payload, values);
        values
    }

    /// Stores a value in its slot and looks up the wanted keys below it.
    fn put<'a>(&self, slot: usize, value: Value<'a>, values: &mut [Value<'a>]) {
        values[slot] = value;
        self.below(slot, values);
    }

    #[inline]
    fn below<'a>(&self, slot: usize, values: &mut [Value<'a>]) {
        let node = &self.nodes[slot];
        if !node.children.is_empty() {
            self.children(node, values[slot], values);
        }
    }

    fn children<'a>(&self, node: &KeyNode, value: Value<'a>, values: &mut [Value<'a>]) {
        if let Value::Node(object) = value
            && object.kind() == Kind::Object
        {
            // The common case; skips members that no path names.
            for member in object.children() {
                if let Some(slot) = node.find(member.key_mark(), |key| member.has_key(key)) {
                    // Constructed in place, so it is not copied.
                    values[slot] = Value::from(member);
                    self.below(slot, values);
                }
            }
        } else if value.is_falsy() {
            // A falsy parent is the value of its children too; undefined is their initial value.
            if value.is_defined() {
                for child in &node.children {
                    self.put(child.slot as usize, value, values);
                }
            }
        } else if value.is_object() {
            for (key, member) in value.members() {
                if let Some(slot) = node.find(KeyMark::of(key), |wanted| wanted == key) {
                    self.put(slot, member, values);
                }
            }
        } else {
            for child in &node.children {
                self.put(child.slot as usize, child.path.resolve(value), values);
            }
        }
    }
}

impl KeyNode {
    /// Returns the slot of a key. Compares keys with `is` only if their marks are equal.
    #[inline]
    fn find(&self, mark: KeyMark, is: impl Fn(&str) -> bool) -> Option<usize> {
        let mut at = start(mark);
        loop {
            let bucket = self.table.get(at & (self.table.len() - 1))?;
            if bucket.slot == 0 {
                return None;
            }
            if bucket.mark == mark && is(&bucket.key) {
                return Some(bucket.slot as usize);
            }
            at += 1;
        }
    }
}

/// Returns the index at which the search for a key starts, before it is masked.
fn start(mark: KeyMark) -> usize {
    (mark.spread() >> 16) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAYLOADS: [&str; 6] = [
        r#"{"a":{"b":{"c":1},"length":"x"},"b":[{"a":2},"xy"],"c":null,"aa":{"ab":0}}"#,
        r#"{"a":"text","b":{"a":{"b":false}},"c":[],"aa":{"ab":{"length":[1]}}}"#,
        r#"{"a":0,"b":{"0":{"a":"z"},"length":5},"0":{"a":1}}"#,
        "[[1,{\"a\":2}],\"\"]",
        "\"text\"",
        "null",
    ];

    proptest! {
        #[test]
        fn one_walk_finds_what_each_path_finds(
            paths in prop::collection::vec("(a|b|c|aa|ab|0|1|length)(\\.(a|b|c|ab|0|1|length)){0,3}", 1..12),
            json in prop::sample::select(PAYLOADS.to_vec()),
        ) {
            let paths: Vec<_> = paths.iter().map(|path| ValuePath::of_template(path)).collect();
            let mut slots = Slots::new();
            let numbers: Vec<_> = paths.iter().map(|path| slots.slot(path)).collect();
            let slots = slots.finish();
            let arena = Bump::new();
            let document = signalbox_core::Document::parse(json).unwrap();
            for payload in [crate::value::parse_json(json, &arena).into(), Value::from(document.root())] {
                let values = slots.fill(payload, &arena);
                for (path, number) in paths.iter().zip(&numbers) {
                    let (alone, together) = (path.resolve(payload), values[*number]);
                    prop_assert_eq!(alone.type_of(), together.type_of());
                    prop_assert_eq!(alone.to_json(), together.to_json());
                }
            }
        }
    }
}
