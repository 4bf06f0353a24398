//! All paths of a mapping, answered in one walk over the event.
//!
//! Mappings ask for dozens of paths which share their beginnings, many of them absent. Looking each up alone scans the
//! same objects again and again; here each object on the way is gone through once, and every member is looked up in a
//! small table of the keys somebody wants.

use crate::value::{Path, Value};
use bumpalo::Bump;
use signalbox_core::Kind;
use signalbox_core::json::KeyMark;

/// The tree of wanted keys. Node 0 is the payload itself.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    children: Vec<Child>,
    /// Open addressing, a power of two long.
    table: Vec<Place>,
}

/// A place of a table, free if it has no slot: slot 0 is the payload's and no child's.
#[derive(Debug, Clone, Default)]
struct Place {
    mark: KeyMark,
    slot: u32,
    key: Box<str>,
}

#[derive(Debug)]
struct Child {
    key: Box<str>,
    mark: KeyMark,
    /// As a path of one key, for arrays and text.
    path: Path,
    slot: u32,
}

impl Slots {
    pub(super) fn new() -> Self {
        Slots {
            nodes: vec![Node::default()],
        }
    }

    /// The number under which a path's value will be found.
    pub(super) fn slot(&mut self, path: &Path) -> usize {
        let mut at = 0;
        for key in path.keys() {
            let known = self.nodes[at].children.iter().find(|child| &*child.key == key);
            at = match known {
                Some(child) => child.slot as usize,
                None => {
                    let slot = self.nodes.len();
                    self.nodes.push(Node::default());
                    let path = Path::new([key.to_owned()]);
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

    /// To be called when all paths are known.
    pub(super) fn finish(mut self) -> Self {
        for node in &mut self.nodes {
            node.table = vec![Place::default(); (node.children.len() * 4).next_power_of_two()];
            let last = node.table.len() - 1;
            for child in &node.children {
                let mut at = start(child.mark);
                while node.table[at & last].slot != 0 {
                    at += 1;
                }
                node.table[at & last] = Place {
                    mark: child.mark,
                    slot: child.slot,
                    key: child.key.clone(),
                };
            }
        }
        self
    }

    /// The values of all slots.
    pub(super) fn fill<'a>(&self, payload: Value<'a>, arena: &'a Bump) -> &'a [Value<'a>] {
        let values = arena.alloc_slice_fill_copy(self.nodes.len(), Value::Undefined);
        values[0] = payload;
        self.children(&self.nodes[0], payload, values);
        values
    }

    /// Puts a value into its slot and looks up what is wanted below it.
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

    fn children<'a>(&self, node: &Node, value: Value<'a>, values: &mut [Value<'a>]) {
        if let Value::Node(object) = value
            && object.kind() == Kind::Object
        {
            // The common case, without looking at members nobody asks for.
            for member in object.children() {
                if let Some(slot) = node.find(member.key_mark(), |key| member.has_key(key)) {
                    // Made where it is to be.
                    values[slot] = Value::from(member);
                    self.below(slot, values);
                }
            }
        } else if value.is_falsy() {
            // A falsy parent answers for its children; undefined is what they have already.
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

impl Node {
    /// The slot of a key. Asks whether it is a wanted one only if that has its mark.
    #[inline]
    fn find(&self, mark: KeyMark, is: impl Fn(&str) -> bool) -> Option<usize> {
        let mut at = start(mark);
        loop {
            let place = self.table.get(at & (self.table.len() - 1))?;
            if place.slot == 0 {
                return None;
            }
            if place.mark == mark && is(&place.key) {
                return Some(place.slot as usize);
            }
            at += 1;
        }
    }
}

/// Where a key's search in a table starts.
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
            let paths: Vec<_> = paths.iter().map(|path| Path::of_template(path)).collect();
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
