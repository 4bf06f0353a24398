//! Which paths are hashed and how, as a tree, so that paths with a common beginning are walked once.

use std::sync::Arc;

use signalbox_conversions::personal::Field;
use signalbox_core::Path;

/// The kind of a personal value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// One field.
    Field(Field),
    /// A full name, to be split into a given and a family name.
    Name,
}

/// A path by its number in [`Plan::paths`].
pub(crate) type PathId = usize;

/// The tree and the names of its paths.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) branches: Vec<Branch>,
    paths: Vec<Arc<str>>,
}

/// One step of one or more paths.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) step: Box<str>,
    /// The step as an index, for arrays.
    pub(crate) index: Option<usize>,
    pub(crate) path: PathId,
    /// The kind of the value at this path; `None` if only values below it are personal.
    pub(crate) what: Option<What>,
    /// Leaves the value alone on `group` calls, whose traits are those of a company.
    pub(crate) not_of_groups: bool,
    /// Where the two parts of a full name go: beside it.
    pub(crate) parts: [PathId; 2],
    pub(crate) below: Vec<Branch>,
}

impl Plan {
    /// Adds a path, or gives one that is there another meaning.
    pub(crate) fn add(&mut self, path: &str, what: What, not_of_groups: bool) {
        let path = Path::new(path);
        let steps: Vec<&str> = path.steps().collect();
        add(
            &mut self.branches,
            &mut self.paths,
            "",
            &steps,
            what,
            not_of_groups,
        );
    }

    /// Takes a path and everything below it out; false if nothing was there.
    pub(crate) fn remove(&mut self, path: &str) -> bool {
        let path = Path::new(path);
        let steps: Vec<&str> = path.steps().collect();
        remove(&mut self.branches, &steps)
    }

    /// The paths at which something is hashed.
    pub(crate) fn hashed(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open: Vec<&Branch> = self.branches.iter().collect();
        while let Some(branch) = open.pop() {
            if branch.what.is_some() {
                found.push(self.path(branch.path).to_owned());
            }
            open.extend(&branch.below);
        }
        found.sort();
        found
    }

    /// A path's text, with dots.
    pub(crate) fn path(&self, id: PathId) -> &str {
        self.paths.get(id).map_or("", |path| path)
    }

    /// The same, to keep.
    pub(crate) fn shared_path(&self, id: PathId) -> Arc<str> {
        self.paths.get(id).cloned().unwrap_or_default()
    }
}

fn add(
    branches: &mut Vec<Branch>,
    paths: &mut Vec<Arc<str>>,
    above: &str,
    steps: &[&str],
    what: What,
    not_of_groups: bool,
) {
    let [step, rest @ ..] = steps else { return };
    let name = |key: &str| {
        if above.is_empty() {
            key.to_owned()
        } else {
            format!("{above}.{key}")
        }
    };
    let path = name(step);
    let at = branches
        .iter()
        .position(|branch| *branch.step == **step)
        .unwrap_or_else(|| {
            paths.push(path.as_str().into());
            branches.push(Branch {
                step: (*step).into(),
                index: step.parse().ok(),
                path: paths.len() - 1,
                what: None,
                not_of_groups,
                parts: [0; 2],
                below: Vec::new(),
            });
            branches.len() - 1
        });
    let branch = &mut branches[at];
    if !rest.is_empty() {
        return add(&mut branch.below, paths, &path, rest, what, not_of_groups);
    }
    branch.what = Some(what);
    branch.not_of_groups = not_of_groups;
    if what == What::Name {
        branch.parts = [paths.len(), paths.len() + 1];
        paths.extend([name("firstName").into(), name("lastName").into()]);
    }
    // A full name fills in what its parts do not say, so the parts are looked at first.
    branches.sort_by_key(|branch| branch.what == Some(What::Name));
}

fn remove(branches: &mut Vec<Branch>, steps: &[&str]) -> bool {
    let [step, rest @ ..] = steps else { return false };
    let Some(at) = branches.iter().position(|branch| *branch.step == **step) else {
        return false;
    };
    let found = if rest.is_empty() {
        branches.remove(at);
        return true;
    } else {
        remove(&mut branches[at].below, rest)
    };
    if branches[at].below.is_empty() && branches[at].what.is_none() {
        branches.remove(at);
    }
    found
}
