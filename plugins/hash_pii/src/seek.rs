//! Finds personal values by the meaning of their keys, at places that the plan does not name, and texts to scrub.

use std::collections::HashSet;
use std::sync::Arc;

use signalbox_conversions::personal::Field;
use signalbox_core::privacy::{Class, Found, Meaning, Place, Scrubbed, fits};
use signalbox_core::{Document, Kind, Node, NodeId, Path};

use crate::plan::{Branch, What};

/// Keys whose class is kept for the next event, a power of two. A shop's events have some hundred.
const KEPT_KEYS: usize = 1024;

/// Paths whose texts are shared between events.
const KEPT_PATHS: usize = 1024;

/// Paths that are exempt, with everything below them.
#[derive(Debug)]
pub(crate) struct Kept(Vec<String>);

impl Kept {
    /// Takes the paths of the setting `keep`.
    pub(crate) fn new(paths: &[String]) -> Kept {
        Kept(paths.iter().map(|path| Path::new(path).to_string()).collect())
    }

    fn has(&self, path: &str) -> bool {
        self.0.iter().any(|kept| {
            let rest = path.strip_prefix(kept.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// The treatment that a found value needs.
pub(crate) enum Act {
    /// Hash it as this field, or split it.
    Hash(What),
    /// Put this in its place.
    Scrub(Scrubbed),
}

/// A value that was found.
pub(crate) struct Find {
    pub(crate) parent: NodeId,
    pub(crate) id: NodeId,
    pub(crate) path: Arc<str>,
    pub(crate) act: Act,
}

/// Buffers and knowledge of a thread, used again for every event.
pub(crate) struct Seeker {
    /// The class of a key at the place of its mark; another key with this place replaces it.
    classes: Vec<(Box<str>, Class)>,
    paths: HashSet<Arc<str>>,
    text: String,
    pub(crate) finds: Vec<Find>,
}

impl Default for Seeker {
    fn default() -> Seeker {
        Seeker {
            classes: vec![Default::default(); KEPT_KEYS],
            paths: HashSet::new(),
            text: String::new(),
            finds: Vec::new(),
        }
    }
}

/// The keys above a value.
#[derive(Clone, Copy)]
struct Trail<'a> {
    key: &'a str,
    above: Option<&'a Trail<'a>>,
}

impl Trail<'_> {
    fn write(&self, out: &mut String) {
        if let Some(above) = self.above {
            above.write(out);
            out.push('.');
        }
        out.push_str(self.key);
    }
}

/// One walk through an event, which changes nothing.
pub(crate) struct Seek<'a> {
    pub(crate) seeker: &'a mut Seeker,
    pub(crate) kept: &'a Kept,
    pub(crate) of_group: bool,
}

impl Seek<'_> {
    /// Walks through an event; the plan's branches lead to values that are treated already.
    pub(crate) fn event(&mut self, document: &Document, branches: &[Branch]) {
        let place = Place::root(self.of_group);
        self.object(document.root(), place, branches, None);
    }

    /// Walks through the members of an object, not deeper than the document, which is bounded.
    fn object(&mut self, object: Node<'_>, place: Place, branches: &[Branch], above: Option<&Trail<'_>>) {
        for member in object.children() {
            let class = self.seeker.class(member);
            match member.kind() {
                Kind::Object | Kind::Array => {
                    let key = member.key();
                    let Some(below) = place.below(key, class) else {
                        continue;
                    };
                    let branch = branches.iter().find(|branch| member.has_key(&branch.step));
                    let trail = Trail { key, above };
                    if member.kind() == Kind::Object {
                        let branches = branch.map_or(&[][..], |branch| &branch.below);
                        self.object(member, below, branches, Some(&trail));
                    } else {
                        let found = place.found(class).filter(|_| !self.is_treated(branch));
                        self.items(member, (below, found), branch, &trail);
                    }
                }
                Kind::String | Kind::Number if !class.is_empty() => {
                    if let Some(found) = place.found(class) {
                        let branch = branches.iter().find(|branch| member.has_key(&branch.step));
                        if !self.is_treated(branch) {
                            let trail = Trail {
                                key: member.key(),
                                above,
                            };
                            self.value(object, member, found, &trail);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Walks through the items of a list as if each stood alone.
    fn items(
        &mut self,
        list: Node<'_>,
        (below, found): (Place, Option<Found>),
        branch: Option<&Branch>,
        trail: &Trail<'_>,
    ) {
        let branches = branch.map_or(&[][..], |branch| &branch.below);
        for (at, item) in list.items().enumerate() {
            let own = branches.iter().find(|branch| branch.index == Some(at));
            match item.kind() {
                Kind::Object => {
                    let branches = own.map_or(branches, |own| &own.below);
                    self.object(item, below, branches, Some(trail));
                }
                Kind::Array => self.items(item, (below, found), own.or(branch), trail),
                Kind::String | Kind::Number => {
                    if let Some(found) = found.filter(|_| !self.is_treated(own)) {
                        self.value(list, item, found, trail);
                    }
                }
                Kind::Null | Kind::Bool => {}
            }
        }
    }

    fn is_treated(&self, branch: Option<&Branch>) -> bool {
        branch.is_some_and(|branch| branch.what.is_some() && !(branch.not_of_groups && self.of_group))
    }

    fn value(&mut self, parent: Node<'_>, value: Node<'_>, found: Found, trail: &Trail<'_>) {
        let act = match found {
            Found::Personal(meaning) if fits(meaning, value) => Act::Hash(what(meaning, trail.key, parent)),
            Found::Personal(_) => return,
            Found::Text(form) => match value.as_str().and_then(|text| form.scrub(text)) {
                Some(scrubbed) => Act::Scrub(scrubbed),
                None => return,
            },
        };
        let path = self.seeker.path(trail);
        if !self.kept.has(&path) {
            self.seeker.finds.push(Find {
                parent: parent.id(),
                id: value.id(),
                path,
                act,
            });
        }
    }
}

/// Returns the treatment of a value by its meaning. A whole name is split where the object is the person's; a name under
/// another key (`recipient_name`) may be another person's than the names beside it, and is hashed whole.
fn what(meaning: Meaning, key: &str, parent: Node<'_>) -> What {
    What::Field(match meaning {
        Meaning::FullName => {
            let letters = key.chars().filter(|c| c.is_alphanumeric());
            let key: String = letters.flat_map(char::to_lowercase).collect();
            if parent.kind() == Kind::Object && ["name", "fullname"].contains(&key.as_str()) {
                return What::Name;
            }
            Field::FirstName
        }
        Meaning::Email => Field::Email,
        Meaning::Phone => Field::Phone,
        Meaning::LastName => Field::LastName,
        Meaning::Gender => Field::Gender,
        Meaning::DateOfBirth => Field::DateOfBirth,
        Meaning::City => Field::City,
        Meaning::State => Field::State,
        Meaning::Zip => Field::Zip,
        Meaning::Country => Field::Country,
        Meaning::Street => Field::Street,
        // The others are no fields of an event that any vendor takes.
        Meaning::FirstName | Meaning::Login | Meaning::Secret => Field::FirstName,
    })
}

impl Seeker {
    /// Returns the class of a node's key.
    fn class(&mut self, node: Node<'_>) -> Class {
        let at = node.key_mark().spread() >> (u32::BITS - KEPT_KEYS.ilog2());
        let Some(slot) = self.classes.get_mut(at as usize) else {
            return Class::of(node.key());
        };
        if !node.has_key(&slot.0) {
            let key = node.key();
            *slot = (key.into(), Class::of(key));
        }
        slot.1
    }

    fn path(&mut self, trail: &Trail<'_>) -> Arc<str> {
        self.text.clear();
        trail.write(&mut self.text);
        if let Some(path) = self.paths.get(self.text.as_str()) {
            return Arc::clone(path);
        }
        if self.paths.len() >= KEPT_PATHS {
            self.paths.clear();
        }
        let path: Arc<str> = self.text.as_str().into();
        self.paths.insert(Arc::clone(&path));
        path
    }
}
