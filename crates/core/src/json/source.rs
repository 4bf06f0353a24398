//! The source text of a document, and the parts of it that a writer may copy.
//!
//! Most of an edited document is unchanged source text: an event that was completed at receipt, or had a few values
//! hashed. The writer copies unchanged parts, whole subtrees and neighbours at once, instead of walking through every
//! value. The slots of a subtree are adjacent, since they are pushed in the order of the text, so a range of bits shows
//! if it was edited. The next key, or the end of the container, gives the end of the subtree in the text. Only parts
//! for which both are certain are copied.

use super::document::Document;
use super::slot::{NONE, Slot};

/// Relation of the source to the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Equal, without white space between values: any part can be copied.
    Compact,
    /// Equal, with white space.
    Spaced,
    /// Different: a repeated key was dropped or half a surrogate pair replaced.
    Other,
}

/// The source of a document, which stands at the start of its buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    /// Length in bytes.
    len: u32,
    /// Number of slots parsed from it; later ones belong to edits.
    slots: u32,
    /// The first slot of an edit among the children of the root.
    added: u32,
    /// A bit for each edited slot, or for several neighbours if there are more slots than bits. Two words instead of a
    /// `u128`, which would align documents to 16 bytes.
    touched: [u64; 2],
    form: Form,
}

const BITS: u32 = u128::BITS;

/// The end of a value: in the source text, and the slot after its last one.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) text: u32,
    slot: u32,
}

impl End {
    /// Returns the end of the last child of a container that ends here.
    pub(super) fn before_close(self) -> usize {
        self.text.saturating_sub(1) as usize
    }
}

impl Source {
    pub(super) fn new(len: usize, slots: usize, form: Form) -> Source {
        Source {
            len: len as u32,
            slots: slots as u32,
            added: NONE,
            touched: [0; 2],
            form,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// Returns true if the source as a whole equals the document.
    pub(super) fn is_whole(&self) -> bool {
        self.form != Form::Other && self.touched == [0; 2]
    }

    /// Notes an edit of a slot's value or of its list of children.
    #[inline]
    pub(super) fn touch(&mut self, slot: u32) {
        // An added slot is below a container that is marked as edited.
        if slot < self.slots {
            let [low, high] = self.touched;
            let touched = u128::from(high) << 64 | u128::from(low) | 1 << self.bit(slot);
            self.touched = [touched as u64, (touched >> 64) as u64];
        }
    }

    /// Notes the removal of a child, whose next sibling is `next`. The slot stays in place, and every subtree whose end
    /// depends on it is marked as edited.
    pub(super) fn removed(&mut self, child: u32, next: u32) {
        self.touch(child);
        if child == self.added {
            self.added = next;
        }
    }

    /// Notes that a child was added after the last one.
    pub(super) fn added(&mut self, parent: u32, last: u32, child: u32) {
        if parent == 0 && (last == NONE || last < self.slots) {
            self.added = child;
        }
    }

    /// Returns true if no slot of the range `from..to` was edited.
    #[inline]
    fn untouched(&self, from: u32, to: u32) -> bool {
        let (first, last) = (self.bit(from), self.bit(to.saturating_sub(1)));
        let range = (u128::MAX << first) & (u128::MAX >> (BITS - 1 - last));
        let [low, high] = self.touched;
        low & range as u64 == 0 && high & (range >> 64) as u64 == 0
    }

    #[inline]
    fn bit(&self, slot: u32) -> u32 {
        let together = u32::BITS - (self.slots / BITS).leading_zeros();
        (slot >> together).min(BITS - 1)
    }
}

impl Document {
    /// Returns the end of the whole value; `None` if nothing can be copied from the source.
    pub(super) fn end(&self) -> Option<End> {
        let Source { len, slots, form, .. } = self.source;
        (form == Form::Compact).then_some(End {
            text: len,
            slot: slots,
        })
    }

    /// Returns the end of a child, given the end of its parent; `None` if it is not certain.
    #[inline]
    pub(super) fn end_of(&self, at: u32, child: &Slot, parent: End) -> Option<End> {
        if at >= self.source.slots {
            return None;
        }
        if child.next >= self.source.slots {
            // It was the last child in the source.
            return Some(End {
                text: parent.before_close() as u32,
                ..parent
            });
        }
        let next = self.slots.get(child.next as usize)?;
        // A comma and a quote precede the key.
        next.plain_key().then(|| End {
            text: next.key().start.saturating_sub(2),
            slot: child.next,
        })
    }

    /// Returns the next child to write (an added one or none) if a member and all members after it can be copied up to
    /// the container's end. Most values of an event are copied this way, without looking at their slots.
    #[inline]
    pub(super) fn can_copy_rest(&self, container: u32, member: u32, end: End) -> Option<u32> {
        let Source { slots, added, .. } = self.source;
        let next = match self.slots.get(container as usize)?.last() {
            last if last < slots => NONE,
            _ if container == 0 => added,
            _ => return None,
        };
        let member_slot = self.slots.get(member as usize)?;
        let can = member < slots && self.can_copy(member, member_slot, end);
        can.then_some(next)
    }

    /// Returns true if a member can be copied with its key up to `end`.
    #[inline]
    pub(super) fn can_copy(&self, at: u32, member: &Slot, end: End) -> bool {
        member.plain_key() && self.source.untouched(at, end.slot)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::super::{Content, Document, Kind, Node, NodeId, Path, Scalar};

    /// The shape of a generated document.
    #[derive(Debug, Clone)]
    enum Shape {
        Leaf(u8),
        Array(Vec<Shape>),
        Object(Vec<(u8, Shape)>),
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let leaf = any::<u8>().prop_map(Shape::Leaf);
        let value = leaf.prop_recursive(4, 200, 12, |inner| {
            prop_oneof![
                1 => prop::collection::vec(inner.clone(), 0..6).prop_map(Shape::Array),
                3 => prop::collection::vec((any::<u8>(), inner), 0..12).prop_map(Shape::Object),
            ]
        });
        prop::collection::vec((any::<u8>(), value), 1..12).prop_map(Shape::Object)
    }

    /// A text in which each key and string contains its number, some between escapes.
    struct Text {
        out: String,
        marks: usize,
        blank: &'static str,
        /// Some keys repeat.
        repeats: bool,
    }

    impl Text {
        fn string(&mut self, kind: u8) {
            self.marks += 1;
            let mark = self.marks;
            self.out.push_str(&match kind % 8 {
                0 => format!(r#""\u00e9~{mark}~\/""#),
                1 => format!(r#""~{mark}~\n""#),
                2 => format!(r#""a \"~{mark}~""#),
                _ => format!(r#""~{mark}~é""#),
            });
        }

        fn value(&mut self, shape: &Shape) {
            match shape {
                Shape::Leaf(0..20) => self.out.push_str("null"),
                Shape::Leaf(20..40) => self.out.push_str("true"),
                Shape::Leaf(40..60) => self.out.push_str("-1.50"),
                Shape::Leaf(kind) => self.string(*kind),
                Shape::Array(items) => {
                    self.out.push('[');
                    for (i, item) in items.iter().enumerate() {
                        self.between(i);
                        self.value(item);
                    }
                    self.out.push(']');
                }
                Shape::Object(members) => {
                    self.out.push('{');
                    for (i, (kind, member)) in members.iter().enumerate() {
                        self.between(i);
                        match kind {
                            0..20 if self.repeats => self.out.push_str("\"again\""),
                            kind => self.string(*kind),
                        }
                        self.out.push(':');
                        self.value(member);
                    }
                    self.out.push('}');
                }
            }
        }

        fn between(&mut self, i: usize) {
            if i > 0 {
                self.out.push(',');
                self.out.push_str(self.blank);
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Edit {
        Set(Index, u8),
        Remove(Index),
        Add(Index, u8),
        /// Writes below a node, replacing it if it is not an object.
        Deep(Index),
        Merge(Index),
    }

    fn edit() -> impl Strategy<Value = Edit> {
        let node = any::<Index>;
        prop_oneof![
            (node(), any::<u8>()).prop_map(|(at, kind)| Edit::Set(at, kind)),
            node().prop_map(Edit::Remove),
            (node(), any::<u8>()).prop_map(|(at, kind)| Edit::Add(at, kind)),
            node().prop_map(Edit::Deep),
            node().prop_map(Edit::Merge),
        ]
    }

    fn scalar(kind: u8) -> Scalar<'static> {
        match kind % 6 {
            0 => Scalar::Null,
            1 => Scalar::Bool(false),
            2 => Scalar::Number("12e3"),
            3 => Scalar::String("\"new\"\n"),
            _ => Scalar::String("new"),
        }
    }

    /// Returns all nodes, each with its parent.
    fn nodes(document: &Document) -> Vec<(NodeId, NodeId)> {
        fn below(node: Node<'_>, all: &mut Vec<(NodeId, NodeId)>) {
            for child in node.children() {
                all.push((node.id(), child.id()));
                below(child, all);
            }
        }
        let root = document.root();
        let mut all = vec![(root.id(), root.id())];
        below(root, &mut all);
        all
    }

    fn apply(document: &mut Document, edit: &Edit) {
        let all = nodes(document);
        let pick = |at: &Index| all[at.index(all.len())];
        match edit {
            Edit::Set(at, kind) => document.set_node(pick(at).1, scalar(*kind)),
            Edit::Remove(at) => {
                let (parent, child) = pick(at);
                document.remove_child(parent, child);
            }
            Edit::Add(at, kind) => {
                let from = Document::parse(r#"{"x":[1,{"y":null}],"":"\"","l":["a\n","b"]}"#).unwrap();
                let at = pick(at).1;
                let key = format!("added {kind}{}", if *kind > 99 { "\"" } else { "" });
                document.graft(at, &key, from.root());
            }
            Edit::Deep(at) => {
                let keys = document.node(pick(at).1).key().replace('.', "");
                document.set(&Path::new(&format!("{keys}.deep.er")), Scalar::String("x"));
                document.set(&Path::new("last"), Scalar::Number("1.0"));
            }
            Edit::Merge(at) => {
                let from = Document::parse(r#"{"m":{"n":"o"},"last":{"p":"q"}}"#).unwrap();
                document.merge_under(pick(at).1, from.root());
            }
        }
    }

    /// Renders a node member by member, independently of the writer.
    fn render(node: Node<'_>, out: &mut String) {
        let string = |text: &str| serde_json::to_string(text).unwrap();
        match node.content() {
            Content::Null => out.push_str("null"),
            Content::Bool(value) => out.push_str(&value.to_string()),
            Content::Number(text) => out.push_str(text),
            Content::String(text) => out.push_str(&string(text)),
            Content::Array | Content::Object => {
                let keyed = node.kind() == Kind::Object;
                out.push(if keyed { '{' } else { '[' });
                for (i, child) in node.children().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    if keyed {
                        out.push_str(&format!("{}:", string(child.key())));
                    }
                    render(child, out);
                }
                out.push(if keyed { '}' } else { ']' });
            }
        }
    }

    fn marks(text: &str) -> Vec<&str> {
        let mut marks: Vec<_> = text.split('~').skip(1).step_by(2).collect();
        marks.sort_unstable();
        marks
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]
        #[test]
        fn copies_say_what_members_say_and_nothing_of_what_is_gone(
            shape in shape(),
            edits in prop::collection::vec(edit(), 1..10),
            blank in prop::sample::select(vec!["", "", "", " ", "\n"]),
            repeats in prop::bool::weighted(0.2),
            alone: bool,
        ) {
            let mut text = Text { out: String::new(), marks: 0, blank, repeats };
            text.value(&shape);
            let length = text.out.len();
            let mut document = if alone {
                Document::parse(&text.out).unwrap()
            } else {
                // One of several values in a text.
                text.out.push_str(r#",{"other":"~other~"}]"#);
                let (parsed, read) = Document::parse_next(&text.out, None).unwrap();
                prop_assert_eq!(read, length);
                parsed.document
            };
            for edit in &edits {
                apply(&mut document, edit);
                let (copied, mut members) = (document.to_json(), String::new());
                render(document.root(), &mut members);
                // Parsing the copy again yields the same members; only the spelling of strings may differ.
                let mut again = String::new();
                render(Document::parse(&copied).unwrap().root(), &mut again);
                prop_assert_eq!(&again, &members, "{}", &text.out);
                let mut written = Vec::new();
                document.root().write_to(&mut written);
                prop_assert_eq!(String::from_utf8_lossy(&written), members.as_str());
                prop_assert_eq!(marks(&copied), marks(&members), "{}", copied);
                prop_assert!(!copied.contains("~other~"));
                prop_assert!(document.source.is_whole() || !copied.contains('\n'));
            }
        }
    }

    /// A few edits leave nearly all of the source unchanged, which shows that it was copied.
    #[test]
    fn what_nobody_touched_keeps_its_spelling() {
        let source =
            r#"{"\/":"\/","a":"\/","b":{"c":["\/",{"d":"\/"}],"e":"\/","f":"x"},"g":["\/"],"h":"\/"}"#;
        let edited = |edit: fn(&mut Document)| {
            let mut document = Document::parse(source).unwrap();
            edit(&mut document);
            document.to_json()
        };
        assert_eq!(
            edited(|document| document.set(&Path::new("z"), Scalar::Number("1"))),
            r#"{"/":"/","a":"\/","b":{"c":["\/",{"d":"\/"}],"e":"\/","f":"x"},"g":["\/"],"h":"\/","z":1}"#
        );
        assert_eq!(
            edited(|document| document.set(&Path::new("b.f"), Scalar::Number("1"))),
            r#"{"/":"/","a":"\/","b":{"c":["\/",{"d":"\/"}],"e":"\/","f":1},"g":["\/"],"h":"\/"}"#
        );
        assert_eq!(
            edited(|document| {
                document.remove(&Path::new("b.e"));
                document.set(&Path::new("b.y"), Scalar::String("1"));
            }),
            r#"{"/":"/","a":"\/","b":{"c":["/",{"d":"/"}],"f":"x","y":"1"},"g":["\/"],"h":"\/"}"#
        );
    }
}
