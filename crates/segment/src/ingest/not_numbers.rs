//! Warnings about `NaN` and `Infinity` in a body, which JSON does not have: each costs its value, not its event.

use signalbox_core::json::NodeId;
use signalbox_core::{Node, Warning};

/// Most paths that one event names.
const MOST: usize = 8;

/// Longest key that a path shows, in bytes.
const MAX_KEY_BYTES: usize = 40;

/// Returns a warning for each of the values below a node, the first [`MOST`] with their paths. `found` ascends.
#[cold]
pub(super) fn warnings(root: Node<'_>, found: &[NodeId]) -> Vec<Warning> {
    if found.is_empty() {
        return Vec::new();
    }
    let mut below = Below {
        found,
        path: Vec::new(),
        paths: Vec::new(),
        count: 0,
    };
    below.search(root);
    let more = below.count - below.paths.len();
    let mut warnings: Vec<Warning> = below.paths.into_iter().map(warning).collect();
    if more > 0 {
        let message = format!("{more} more values are NaN or Infinity; they count as null");
        warnings.push(Warning::new("not_a_number", "", message));
    }
    warnings
}

fn warning(path: String) -> Warning {
    Warning::new(
        "not_a_number",
        path,
        "NaN and Infinity are no JSON; the value counts as null",
    )
}

/// A search for values in a tree.
struct Below<'s, 'd> {
    found: &'s [NodeId],
    path: Vec<Step<'d>>,
    paths: Vec<String>,
    count: usize,
}

enum Step<'d> {
    Key(&'d str),
    Index(usize),
}

impl<'d> Below<'_, 'd> {
    /// Descends no deeper than the document, which is bounded.
    fn search(&mut self, node: Node<'d>) {
        if node.is_null() && self.found.binary_search(&node.id()).is_ok() {
            self.count += 1;
            if self.paths.len() < MOST {
                self.paths.push(shown(&self.path));
            }
        }
        for (index, item) in node.items().enumerate() {
            self.step(Step::Index(index), item);
        }
        for (key, member) in node.members() {
            self.step(Step::Key(key), member);
        }
    }

    fn step(&mut self, step: Step<'d>, node: Node<'d>) {
        self.path.push(step);
        self.search(node);
        self.path.pop();
    }
}

/// Writes a path. A key that may be personal data, such as an e-mail address, is shown as `*`.
fn shown(path: &[Step<'_>]) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Key(key) if is_name(key) => (*key).to_owned(),
        Step::Key(_) => "*".to_owned(),
        Step::Index(index) => index.to_string(),
    });
    steps.collect::<Vec<_>>().join(".")
}

/// Returns true for a short key of letters, few digits and the separators of names.
fn is_name(key: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$' | b' ');
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    key.len() <= MAX_KEY_BYTES && digits < 5 && key.bytes().all(fits)
}
