//! What the text that a document was read from is still good for.
//!
//! Most of a document that was edited still stands in its source: an event that was completed when it came in, one that
//! had a few values hashed. What nobody touched is copied from there when the document is written, whole subtrees and
//! neighbours at once, instead of walking through every value. The slots of a subtree are neighbours, as they were
//! pushed in the order of the text, so whether it was touched is a question of a range; and where it ends in the text is
//! told by the key behind it, or by the end of what it stands in. Nothing is copied of which either is not certain.

use super::document::Document;
use super::slot::{NONE, Slot};

/// How the source says what the slots say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Without white space between values: any part of it can be copied.
    Compact,
    /// With white space.
    Spaced,
    /// It does not: a repeated key was dropped or half a character replaced.
    Other,
}

/// The source of a document, which stands at the start of its buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    /// Its bytes.
    len: u32,
    /// The slots that were made of it; those behind are of edits.
    slots: u32,
    /// The first slot of an edit among the children of the root.
    added: u32,
    /// A bit for each slot that was edited, or for each few neighbours if there are more slots than bits. Two words, so
    /// that documents need not lie on even addresses.
    touched: [u64; 2],
    form: Form,
}

const BITS: u32 = u128::BITS;

/// Where a value's text ends in the source, and its slots.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) text: u32,
    slot: u32,
}

impl End {
    /// Where the last child of a container that ends here ends.
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

    /// Whether the source as a whole says what the document says.
    pub(super) fn is_whole(&self) -> bool {
        self.form != Form::Other && self.touched == [0; 2]
    }

    /// Notes that a slot's value or its list of children was edited.
    #[inline]
    pub(super) fn touch(&mut self, slot: u32) {
        // What was added stands in something that was touched by that.
        if slot < self.slots {
            let [low, high] = self.touched;
            let touched = u128::from(high) << 64 | u128::from(low) | 1 << self.bit(slot);
            self.touched = [touched as u64, (touched >> 64) as u64];
        }
    }

    /// Notes that a child was removed, behind which another is now next. Its slot stays where it is, so nothing whose
    /// end would be misjudged by that is untouched.
    pub(super) fn removed(&mut self, child: u32, next: u32) {
        self.touch(child);
        if child == self.added {
            self.added = next;
        }
    }

    /// Notes that a child was added behind the last one.
    pub(super) fn added(&mut self, parent: u32, last: u32, child: u32) {
        if parent == 0 && (last == NONE || last < self.slots) {
            self.added = child;
        }
    }

    /// Whether no slot from one to before another was edited.
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
    /// The end of the whole value; `None` if nothing can be copied from the source.
    pub(super) fn end(&self) -> Option<End> {
        let Source { len, slots, form, .. } = self.source;
        (form == Form::Compact).then_some(End {
            text: len,
            slot: slots,
        })
    }

    /// The end of a child of something that ends there; `None` if it is not known.
    #[inline]
    pub(super) fn end_of(&self, at: u32, child: &Slot, parent: End) -> Option<End> {
        if at >= self.source.slots {
            return None;
        }
        if child.next >= self.source.slots {
            // Nothing stood behind it.
            return Some(End {
                text: parent.before_close() as u32,
                ..parent
            });
        }
        let next = self.slots.get(child.next as usize)?;
        // A comma and a quote stand before the key.
        next.plain_key().then(|| End {
            text: next.key().start.saturating_sub(2),
            slot: child.next,
        })
    }

    /// Whether a member and all that stood behind it can be copied up to where the container ends; then also the child
    /// that comes next, which was added. Most values of an event are copied so, without a look at their slots.
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

    /// Whether a member can be copied with its key up to this end.
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

    /// What a document is like.
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

    /// A text of which each key and string holds a mark of its own, some between escapes.
    struct Text {
        out: String,
        marks: usize,
        blank: &'static str,
        /// Keys come twice.
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
        /// Writes below, through whatever stands there.
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

    /// All nodes, each with what it stands in.
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

    /// Member by member, without any of what writes documents.
    fn told(node: Node<'_>, out: &mut String) {
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
                    told(child, out);
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
                // One of many in a text, others behind it.
                text.out.push_str(r#",{"other":"~other~"}]"#);
                let (document, read) = Document::parse_next(&text.out, None).unwrap();
                prop_assert_eq!(read, length);
                document
            };
            for edit in &edits {
                apply(&mut document, edit);
                let (copied, mut members) = (document.to_json(), String::new());
                told(document.root(), &mut members);
                // Read again, what was copied differs in how strings are spelled and in nothing else.
                let mut again = String::new();
                told(Document::parse(&copied).unwrap().root(), &mut again);
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

    /// A few edits leave nearly all of the source as it was spelled: it was copied.
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
