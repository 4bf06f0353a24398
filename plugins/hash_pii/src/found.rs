//! The values that one walk hashed, and their entries in the facts of the event.

use std::sync::Arc;

use signalbox_conversions::personal::{Dropped, Field, Rules};
use signalbox_core::{Facts, HashedPath, Sha256Hex};

use crate::plan::{PathId, Plan};
use crate::reasons::{self, Removed};

/// Most values of one path whose hashes by several rules travel with the event.
const LISTED: usize = 64;

/// The number of the first path that no plan names.
const UNPLANNED: PathId = PathId::MAX / 2;

/// A set of rules, and its name to share.
#[derive(Debug)]
pub(crate) struct RuleName {
    pub(crate) rules: &'static Rules,
    pub(crate) name: Arc<str>,
}

/// The outcome of a walk; used again for every event of a thread.
#[derive(Default)]
pub(crate) struct Found {
    /// Paths that no plan names, by their number from [`UNPLANNED`] on.
    unplanned: Vec<Arc<str>>,
    /// The path of each value that was hashed.
    paths: Vec<PathId>,
    /// The kinds of these values.
    fields: Vec<Field>,
    /// The hashes of these values, one for each set of rules.
    hashes: Vec<Option<Sha256Hex>>,
    /// The hash of each of these values that stands in the payload.
    sent: Vec<Sha256Hex>,
    /// Paths with values of which some rules have several hashes.
    several: Vec<PathId>,
    /// Paths at which hashes arrived.
    arrived: Vec<PathId>,
    /// Values that were removed, each reason once for a path.
    removed: Vec<(PathId, Removed)>,
    /// Values that some rules dropped and others did not: the position of the rules, and their reason.
    unhashed: Vec<(PathId, usize, Dropped)>,
    /// Values that were hashed, and the doubts about them.
    doubts: Vec<(PathId, Dropped)>,
}

impl Found {
    /// Returns the number of a path that no plan names.
    pub(crate) fn unplanned(&mut self, path: &Arc<str>) -> PathId {
        let known = self.unplanned.iter().position(|one| one == path);
        UNPLANNED
            + known.unwrap_or_else(|| {
                self.unplanned.push(Arc::clone(path));
                self.unplanned.len() - 1
            })
    }

    /// Returns a path's text, to share.
    fn path(&self, id: PathId, plan: &Plan) -> Arc<str> {
        match id.checked_sub(UNPLANNED) {
            Some(at) => self.unplanned.get(at).cloned().unwrap_or_default(),
            None => plan.shared_path(id),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.removed.is_empty() && self.arrived.is_empty()
    }

    /// Returns true if the hashes of one more value of a path can travel with the event.
    pub(crate) fn has_room(&self, path: PathId, rules: &[RuleName]) -> bool {
        rules.len() == 1 || self.paths.len() < LISTED || self.count(path) < LISTED
    }

    fn count(&self, path: PathId) -> usize {
        self.paths.iter().filter(|known| **known == path).count()
    }

    /// Notes that some rules have several hashes of a value at a path.
    pub(crate) fn several(&mut self, path: PathId) {
        if !self.several.contains(&path) {
            self.several.push(path);
        }
    }

    /// Notes a hashed value with a result for each set of rules, and the hash that stands in the payload.
    pub(crate) fn hashed(
        &mut self,
        path: PathId,
        field: Field,
        results: &[Result<Sha256Hex, Dropped>],
        sent: Sha256Hex,
    ) {
        self.paths.push(path);
        self.fields.push(field);
        self.sent.push(sent);
        self.hashes.extend(results.iter().map(|result| result.ok()));
        for (at, result) in results.iter().enumerate() {
            if let Err(why) = result
                && !self.unhashed.contains(&(path, at, *why))
            {
                self.unhashed.push((path, at, *why));
            }
        }
    }

    /// Notes a doubt about a hashed value.
    pub(crate) fn doubt(&mut self, path: PathId, doubt: Dropped) {
        if !self.doubts.contains(&(path, doubt)) {
            self.doubts.push((path, doubt));
        }
    }

    /// Notes a value that was a hash already.
    pub(crate) fn arrived(&mut self, path: PathId) {
        if !self.arrived.contains(&path) {
            self.arrived.push(path);
        }
    }

    /// Notes a removed value.
    pub(crate) fn removed(&mut self, path: PathId, why: Removed) {
        if !self.removed.contains(&(path, why)) {
            self.removed.push((path, why));
        }
    }

    /// Moves everything into the facts.
    pub(crate) fn note(&mut self, facts: &mut Facts, plan: &Plan, rules: &[RuleName]) {
        let known = facts.hashed.len();
        facts.hashed.reserve(self.paths.len());
        for at in 0..self.paths.len() {
            let path = self.paths[at];
            if !self.paths[..at].contains(&path) {
                self.note_path((path, self.fields[at]), facts, known, plan, rules);
            }
        }
        let unhashed = self.unhashed.iter();
        let unhashed = unhashed
            .map(|(path, at, why)| reasons::unhashed(*why, &self.path(*path, plan), &rules[*at].name));
        let removed = self.removed.iter();
        let removed = removed.map(|(path, why)| why.noted(&self.path(*path, plan)));
        let doubts = self.doubts.iter();
        let doubts = doubts.map(|(path, doubt)| reasons::doubtful(*doubt, &self.path(*path, plan)));
        facts.warnings.extend(unhashed.chain(removed).chain(doubts));
        self.doubts.clear();
        self.unhashed.clear();
        self.removed.clear();
        self.unplanned.clear();
        self.paths.clear();
        self.fields.clear();
        self.hashes.clear();
        self.sent.clear();
        self.several.clear();
        self.arrived.clear();
    }

    fn note_path(
        &self,
        (id, field): (PathId, Field),
        facts: &mut Facts,
        known: usize,
        plan: &Plan,
        rules: &[RuleName],
    ) {
        let path = &*self.path(id, plan);
        let several = self.several.contains(&id) && self.count(id) <= LISTED;
        let before = facts.hashed[..known].iter().filter(|entry| *entry.path == *path);
        if let [only] = rules {
            let (mut any, mut whole) = (false, false);
            before.for_each(|entry| {
                any = true;
                whole |= entry.hashes.is_empty() && *entry.rules == *only.name;
            });
            if whole {
                return;
            }
            let mixed = self.arrived.contains(&id) && self.count(id) <= LISTED;
            if !any && !mixed && !several {
                facts.hashed.push(HashedPath {
                    path: self.path(id, plan),
                    rules: Arc::clone(&only.name),
                    kind: None,
                    hashes: Vec::new(),
                });
                return;
            }
        }
        let start = facts.hashed[..known]
            .iter()
            .filter(|entry| *entry.path == *path)
            .map(|entry| entry.hashes.len())
            .max()
            .unwrap_or_default();
        let was_several = facts.hashed[..known]
            .iter()
            .any(|entry| *entry.path == *path && *entry.rules == *HashedPath::IN_PAYLOAD);
        let mut names: Vec<Arc<str>> = rules.iter().map(|one| Arc::clone(&one.name)).collect();
        if several || was_several {
            // Behind the others: a warning names the rules of the first entry.
            names.push(HashedPath::IN_PAYLOAD.into());
        }
        for (at, name) in names.into_iter().enumerate() {
            let is = |entry: &HashedPath| {
                *entry.path == *path && *entry.rules == *name && !entry.hashes.is_empty()
            };
            let entry = facts.hashed[..known].iter().position(is).unwrap_or_else(|| {
                facts.hashed.push(HashedPath {
                    path: self.path(id, plan),
                    rules: Arc::clone(&name),
                    kind: Some(field.name().into()),
                    hashes: Vec::with_capacity(1),
                });
                facts.hashed.len() - 1
            });
            let list = &mut facts.hashed[entry].hashes;
            list.resize_with(start, Arc::default);
            let rows = self.paths.iter().enumerate().filter(|(_, path)| **path == id);
            let hash = |row: usize| match at < rules.len() {
                true => self.hashes.get(row * rules.len() + at).copied().flatten(),
                false => self.sent.get(row).copied(),
            };
            list.extend(
                rows.map(|(row, _)| hash(row).map_or_else(Arc::default, |hash| hash.as_str().into())),
            );
        }
    }
}
