//! The transform: one walk through the event along the plan.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use signalbox_conversions::personal::{self, Dropped, Field, Rules, split_name};
use signalbox_core::{
    Document, Event, Facts, Flow, HashedPath, Kind, Node, NodeId, Scalar, Sha256Hex, Transform,
};
use signalbox_segment::value::{Number, is_js_space};

use crate::plan::{Branch, PathId, Plan, What};
use crate::reasons::Removed;

/// Most items removed from one array; further ones become null. Each removal costs a walk through the array.
const TAKEN_OUT: usize = 16;

/// Largest capacity of a scratch buffer kept for the next event; a very long value may have made it larger.
const KEPT_SCRATCH: usize = 64 * 1024;

/// Hashes personal fields in place.
pub(crate) struct HashPii {
    plan: Plan,
    rules: &'static Rules,
    rules_name: Arc<str>,
}

/// Buffers that are used again for every event of a thread.
#[derive(Default)]
struct Scratch {
    text: String,
    items: Vec<NodeId>,
    hashed: Vec<PathId>,
    removed: Vec<(PathId, Removed)>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The treatment of one value.
enum Treatment {
    /// Replace the value by this hash.
    Hash(Sha256Hex),
    /// Keep the value: it is a hash already, in a spelling that the rules keep.
    Hashed,
    /// Keep the value: it is blank.
    Blank,
    /// Remove the value.
    Removed(Removed),
}

impl HashPii {
    pub(crate) fn new(plan: Plan, rules: &'static Rules) -> HashPii {
        HashPii {
            plan,
            rules,
            rules_name: rules.name().into(),
        }
    }
}

impl Transform for HashPii {
    fn apply(&self, event: &mut Event) -> Flow {
        let mut scratch = SCRATCH.take();
        let of_group = event.event_type() == "group";
        let root = event.root().id();
        Walk {
            document: event.document_mut(),
            rules: self.rules,
            of_group,
            scratch: &mut scratch,
        }
        .members(&self.plan.branches, root);

        if !scratch.hashed.is_empty() || !scratch.removed.is_empty() {
            self.note(event.facts_mut(), &mut scratch);
        }
        scratch.text.clear();
        scratch.text.shrink_to(KEPT_SCRATCH);
        SCRATCH.set(scratch);
        Flow::Pass
    }
}

impl HashPii {
    /// Records the hashed and the removed paths in the event.
    fn note(&self, facts: &mut Facts, scratch: &mut Scratch) {
        let known = facts.hashed.len();
        facts.hashed.reserve(scratch.hashed.len());
        for id in scratch.hashed.drain(..) {
            // The walk notes a path once; another transform may have noted it before.
            if !facts.hashed[..known]
                .iter()
                .any(|known| *known.path == *self.plan.path(id))
            {
                facts.hashed.push(HashedPath {
                    path: self.plan.shared_path(id),
                    rules: Arc::clone(&self.rules_name),
                    hashes: Vec::new(),
                });
            }
        }
        let removed = scratch.removed.drain(..);
        facts
            .warnings
            .extend(removed.map(|(id, why)| why.noted(self.plan.path(id))));
    }
}

struct Walk<'a> {
    document: &'a mut Document,
    rules: &'static Rules,
    of_group: bool,
    scratch: &'a mut Scratch,
}

impl Walk<'_> {
    /// Looks at the members of an object that the plan names.
    fn members(&mut self, branches: &[Branch], object: NodeId) {
        for branch in branches {
            let Some(member) = self.document.node(object).get(&branch.step).map(Node::id) else {
                continue;
            };
            if !self.value(branch, object, member) {
                self.document.remove_child(object, member);
            }
        }
    }

    /// Looks at one value; false if it has to go. Not deeper than the document, which is bounded.
    fn value(&mut self, branch: &Branch, parent: NodeId, id: NodeId) -> bool {
        let what = branch.what.filter(|_| !(branch.not_of_groups && self.of_group));
        let kind = self.document.node(id).kind();
        match (kind, what) {
            (Kind::Null, _) => true,
            (Kind::Array, _) => self.items(branch, id),
            (Kind::Object, _) if !branch.below.is_empty() => {
                self.members(&branch.below, id);
                true
            }
            (_, None) => true,
            (Kind::Object, Some(_)) => self.remove(branch, Removed::Kind(Kind::Object)),
            (_, Some(What::Field(field))) => self.field(branch, field, id),
            (_, Some(What::Name)) => self.name(branch, parent, id),
        }
    }

    /// Looks at each item of an array as if it stood alone; false if none is left.
    fn items(&mut self, branch: &Branch, array: NodeId) -> bool {
        let start = self.scratch.items.len();
        self.scratch
            .items
            .extend(self.document.node(array).items().map(Node::id));
        let end = self.scratch.items.len();
        let mut gone = 0;
        for at in start..end {
            let item = self.scratch.items[at];
            let mut stays = self.value(branch, array, item);
            for below in &branch.below {
                if below.index == Some(at - start) {
                    stays &= self.value(below, array, item);
                }
            }
            if stays {
                continue;
            }
            gone += 1;
            if gone <= TAKEN_OUT {
                self.document.remove_child(array, item);
            } else {
                self.document.set_node(item, Scalar::Null);
            }
        }
        self.scratch.items.truncate(start);
        gone == 0 || gone < end - start
    }

    fn field(&mut self, branch: &Branch, field: Field, id: NodeId) -> bool {
        let treatment = with_text(self.document.node(id), |text| {
            treatment(field, self.rules, text, &mut self.scratch.text)
        });
        match treatment {
            Treatment::Hash(hash) => {
                // Left untouched when it says so already: an event without edits is written as it came.
                if self.document.node(id).as_str() != Some(hash.as_str()) {
                    self.document.set_node(id, Scalar::String(hash.as_str()));
                }
                self.hashed(branch.path)
            }
            Treatment::Hashed => self.hashed(branch.path),
            Treatment::Blank => true,
            Treatment::Removed(why) => self.remove(branch, why),
        }
    }

    /// Replaces a full name by its parts. A part that is there already counts more.
    fn name(&mut self, branch: &Branch, parent: NodeId, id: NodeId) -> bool {
        let node = self.document.node(id);
        if self.document.node(parent).kind() != Kind::Object {
            return self.remove(branch, Removed::Kind(Kind::Array));
        }
        let text = node.as_str().unwrap_or_default();
        let trimmed = text.trim_matches(is_js_space);
        if Sha256Hex::from_prehashed(trimmed).is_some() {
            return self.field(branch, Field::FirstName, id);
        }
        if trimmed.is_empty() && node.kind() == Kind::String {
            return true;
        }
        let scratch = &mut self.scratch.text;
        let rules = self.rules;
        let parts = with_text(node, |text| {
            let (first, last) = split_name(text);
            [(Field::FirstName, first), (Field::LastName, last)]
                .map(|(field, part)| part.map(|part| personal::hash(field, rules, part, scratch)))
        });
        if parts == [None, None] {
            return self.remove(branch, Removed::NoName);
        }
        for (at, part) in parts.into_iter().enumerate() {
            match part {
                Some(Ok(hash)) => self.name_part(branch, parent, at, &hash),
                Some(Err(why)) => {
                    self.remove(branch, Removed::Dropped(why));
                }
                None => {}
            }
        }
        false
    }

    fn name_part(&mut self, branch: &Branch, parent: NodeId, at: usize, hash: &Sha256Hex) {
        const SPELLINGS: [[&str; 2]; 2] = [["firstName", "first_name"], ["lastName", "last_name"]];
        let [camel, snake] = SPELLINGS[at];
        let object = self.document.node(parent);
        if [camel, snake]
            .into_iter()
            .any(|key| object.get(key).is_some_and(is_filled))
        {
            return;
        }
        if let Some(null) = &*NULL {
            self.document.graft(parent, camel, null.root());
        }
        if let Some(id) = self.document.node(parent).get(camel).map(Node::id) {
            self.document.set_node(id, Scalar::String(hash.as_str()));
            self.hashed(branch.parts[at]);
        }
    }

    fn hashed(&mut self, path: PathId) -> bool {
        if !self.scratch.hashed.contains(&path) {
            self.scratch.hashed.push(path);
        }
        true
    }

    /// Notes why a value goes, once for each path.
    fn remove(&mut self, branch: &Branch, why: Removed) -> bool {
        if !self.scratch.removed.contains(&(branch.path, why)) {
            self.scratch.removed.push((branch.path, why));
        }
        false
    }
}

/// To make members of. It parses; where it did not, names would lose their parts and nothing would leak.
static NULL: LazyLock<Option<Document>> = LazyLock::new(|| Document::parse("null").ok());

fn is_filled(node: Node<'_>) -> bool {
    match node.as_str() {
        Some(text) => !text.trim_matches(is_js_space).is_empty(),
        None => !node.is_null(),
    }
}

/// A scalar as the text that is hashed: numbers and booleans as JavaScript writes them.
fn with_text<R>(node: Node<'_>, take: impl FnOnce(&str) -> R) -> R {
    if let Some(text) = node.as_str() {
        take(text)
    } else if let Some(number) = node.number_text() {
        Number::Source(number).with_js_text(take)
    } else {
        take(if node.as_bool() == Some(true) {
            "true"
        } else {
            "false"
        })
    }
}

fn treatment(field: Field, rules: &'static Rules, text: &str, scratch: &mut String) -> Treatment {
    match personal::hash(field, rules, text, scratch) {
        Ok(hash) if !rules.screened() && hash.as_str().eq_ignore_ascii_case(text) => Treatment::Hashed,
        Ok(hash) => Treatment::Hash(hash),
        Err(Dropped::Empty) if text.trim_matches(is_js_space).is_empty() => Treatment::Blank,
        Err(why) => Treatment::Removed(Removed::Dropped(why)),
    }
}
