//! The transform: one walk through the event along the plan.

use std::cell::RefCell;
use std::sync::LazyLock;

use signalbox_conversions::Whereabouts;
use signalbox_conversions::personal::{Dropped, Field, Nowhere, Rules, split_name};
use signalbox_conversions::reasons::scrubbed;
use signalbox_core::{Document, Event, Flow, Kind, Node, NodeId, Scalar, Sha256Hex, Transform, Warning};
use signalbox_segment::value::is_js_space;

use crate::found::{Found, RuleName};
use crate::plan::{Branch, PathId, Plan, What};
use crate::reasons::Removed;
use crate::seek::{Act, Find, Kept, Seek, Seeker};
use crate::treatment::{Treatment, treatment, with_text};

/// Most items removed from one array; further ones become null. Each removal costs a walk through the array.
const TAKEN_OUT: usize = 16;

/// Largest capacity of a scratch buffer kept for the next event; a very long value may have made it larger.
const KEPT_SCRATCH: usize = 64 * 1024;

/// Hashes personal fields in place.
pub(crate) struct HashPii {
    plan: Plan,
    rules: Vec<RuleName>,
    /// Keys are looked at by their meaning too, but for these paths.
    by_meaning: Option<Kept>,
    /// The country of people whose event tells none.
    default_country: Option<&'static str>,
}

/// Buffers that are used again for every event of a thread.
#[derive(Default)]
struct Scratch {
    text: String,
    items: Vec<NodeId>,
    /// The results of a value by each set of rules; of a value with several hashes, one row after the other.
    results: Vec<Result<Sha256Hex, Dropped>>,
    /// Warnings about the values in a text that are told although the values are hashed.
    doubts: Vec<Dropped>,
    found: Found,
    seeker: Seeker,
    /// Warnings about texts that were scrubbed.
    scrubbed: Vec<Warning>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl HashPii {
    /// Hashes by these rules; there is at least one set. `by_meaning` has the exempt paths if keys are looked at by their meaning.
    pub(crate) fn new(plan: Plan, rules: &[&'static Rules], by_meaning: Option<Kept>) -> HashPii {
        let named = |rules: &&'static Rules| RuleName {
            rules,
            name: rules.name().into(),
        };
        HashPii {
            plan,
            rules: rules.iter().map(named).collect(),
            by_meaning,
            default_country: None,
        }
    }

    /// Sets the country (alpha-2, upper case) whose rules read phone numbers and postal codes of events that tell none.
    pub(crate) fn default_country(mut self, country: Option<&'static str>) -> HashPii {
        self.default_country = country;
        self
    }
}

impl Transform for HashPii {
    fn apply(&self, event: &mut Event) -> Flow {
        let mut scratch = SCRATCH.take();
        let of_group = event.event_type() == "group";
        let root = event.root().id();
        let mut walk = Walk {
            document: event.document_mut(),
            rules: &self.rules,
            default_country: self.default_country,
            of_group,
            scratch: &mut scratch,
        };
        walk.members(&self.plan.branches, root);
        if let Some(kept) = &self.by_meaning {
            walk.by_meaning(kept, &self.plan.branches);
        }
        let scrubbed = std::mem::take(&mut scratch.scrubbed);
        if !scrubbed.is_empty() {
            event.facts_mut().warnings.extend(scrubbed);
        }
        if !scratch.found.is_empty() {
            scratch.found.note(event.facts_mut(), &self.plan, &self.rules);
        }
        scratch.text.clear();
        scratch.text.shrink_to(KEPT_SCRATCH);
        SCRATCH.set(scratch);
        Flow::Pass
    }
}

struct Walk<'a> {
    document: &'a mut Document,
    rules: &'a [RuleName],
    default_country: Option<&'static str>,
    of_group: bool,
    scratch: &'a mut Scratch,
}

/// The paths of a value and, for a full name, of its parts.
#[derive(Clone, Copy)]
struct Target {
    path: PathId,
    parts: [PathId; 2],
}

impl From<&Branch> for Target {
    fn from(branch: &Branch) -> Target {
        Target {
            path: branch.path,
            parts: branch.parts,
        }
    }
}

impl Walk<'_> {
    /// Hashes the values that keys mark as personal, except those that the plan names, and scrubs texts.
    fn by_meaning(&mut self, kept: &Kept, branches: &[Branch]) {
        Seek {
            seeker: &mut self.scratch.seeker,
            kept,
            of_group: self.of_group,
        }
        .event(self.document, branches);
        for find in std::mem::take(&mut self.scratch.seeker.finds) {
            let stays = match &find.act {
                Act::Hash(what) => self.found(*what, &find),
                Act::Scrub(result) => {
                    self.scratch.scrubbed.push(scrubbed(&find.path, result.removed));
                    self.document.set_node(find.id, Scalar::String(&result.text));
                    !result.text.trim().is_empty()
                }
            };
            if !stays {
                self.document.remove_child(find.parent, find.id);
            }
        }
    }

    fn found(&mut self, what: What, find: &Find) -> bool {
        let found = &mut self.scratch.found;
        let path = found.unplanned(&find.path);
        match what {
            What::Field(field) => self.field(
                Target {
                    path,
                    parts: [path; 2],
                },
                field,
                find.id,
            ),
            What::Name => {
                let above = find.path.rsplit_once('.').map_or("", |(above, _)| above);
                let part = |key: &str| match above {
                    "" => key.into(),
                    above => format!("{above}.{key}").into(),
                };
                let parts = ["firstName", "lastName"].map(|key| found.unplanned(&part(key)));
                self.name(Target { path, parts }, find.parent, find.id)
            }
        }
    }

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
            (Kind::Object, Some(_)) => self.remove(branch.into(), Removed::Kind(Kind::Object)),
            (_, Some(What::Field(field))) => self.field(branch.into(), field, id),
            (_, Some(What::Name)) => self.name(branch.into(), parent, id),
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

    fn field(&mut self, target: Target, field: Field, id: NodeId) -> bool {
        let place = Whereabouts::of(self.document.root(), self.default_country);
        let Scratch {
            text,
            results,
            doubts,
            ..
        } = &mut *self.scratch;
        let treatment = with_text(self.document.node(id), |value| {
            treatment(field, self.rules, (value, &place), text, results, doubts)
        });
        match treatment {
            Treatment::Hash(_) if !self.scratch.found.has_room(target.path, self.rules) => {
                self.remove(target, Removed::TooMany)
            }
            Treatment::Hash(hash) => {
                self.document.set_node(id, Scalar::String(hash.as_str()));
                self.note(target.path, field, hash);
                for doubt in std::mem::take(&mut self.scratch.doubts) {
                    self.scratch.found.doubt(target.path, doubt);
                }
                true
            }
            Treatment::Arrived(hash) => {
                // Left untouched when it says so already: an event without edits is written as it came.
                if self.document.node(id).as_str() != Some(hash.as_str()) {
                    self.document.set_node(id, Scalar::String(hash.as_str()));
                }
                self.scratch.found.arrived(target.path);
                true
            }
            Treatment::AsGiven => {
                self.scratch.found.arrived(target.path);
                true
            }
            Treatment::Blank => true,
            Treatment::Removed(why) => self.remove(target, why),
        }
    }

    /// Notes the hashes of a value, of which `sent` stands in the payload.
    fn note(&mut self, path: PathId, field: Field, sent: Sha256Hex) {
        for row in self.scratch.results.chunks(self.rules.len()) {
            self.scratch.found.hashed(path, field, row, sent);
        }
        if self.scratch.results.len() > self.rules.len() {
            self.scratch.found.several(path);
        }
    }

    /// Replaces a full name by its parts. A part that is there already counts more.
    fn name(&mut self, target: Target, parent: NodeId, id: NodeId) -> bool {
        let node = self.document.node(id);
        if self.document.node(parent).kind() != Kind::Object {
            return self.remove(target, Removed::Kind(Kind::Array));
        }
        let text = node.as_str().unwrap_or_default();
        let trimmed = text.trim_matches(is_js_space);
        if Sha256Hex::from_prehashed(trimmed).is_some() {
            return self.field(target, Field::FirstName, id);
        }
        if trimmed.is_empty() && node.kind() == Kind::String {
            return true;
        }
        let parts = with_text(node, |text| {
            let (first, last) = split_name(text);
            [first, last].map(|part| part.map(str::to_owned))
        });
        if parts == [None, None] {
            return self.remove(target, Removed::NoName);
        }
        for (at, field) in [Field::FirstName, Field::LastName].into_iter().enumerate() {
            if let Some(part) = &parts[at] {
                self.name_part(target, parent, (at, field), part);
            }
        }
        false
    }

    fn name_part(&mut self, target: Target, parent: NodeId, (at, field): (usize, Field), part: &str) {
        const SPELLINGS: [[&str; 2]; 2] = [["firstName", "first_name"], ["lastName", "last_name"]];
        let [camel, snake] = SPELLINGS[at];
        let Scratch {
            text,
            results,
            doubts,
            ..
        } = &mut *self.scratch;
        let hash = match treatment(field, self.rules, (part, &Nowhere), text, results, doubts) {
            Treatment::Hash(hash) | Treatment::Arrived(hash) => hash,
            Treatment::Removed(why) => {
                self.remove(target, why);
                return;
            }
            // A part is a word, so it is not blank.
            Treatment::AsGiven | Treatment::Blank => return,
        };
        let object = self.document.node(parent);
        if [camel, snake]
            .into_iter()
            .any(|key| object.get(key).is_some_and(is_filled))
        {
            return;
        }
        if !self.scratch.found.has_room(target.parts[at], self.rules) {
            self.remove(target, Removed::TooMany);
            return;
        }
        if let Some(null) = &*NULL {
            self.document.graft(parent, camel, null.root());
        }
        if let Some(id) = self.document.node(parent).get(camel).map(Node::id) {
            self.document.set_node(id, Scalar::String(hash.as_str()));
            self.note(target.parts[at], field, hash);
        }
    }

    /// Notes why a value goes.
    fn remove(&mut self, target: Target, why: Removed) -> bool {
        self.scratch.found.removed(target.path, why);
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
