//! Translates byte offsets and paths to places in the file, for diagnostics of loading and of later stages.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Finding, Position};
use super::tree::{TomlNode, TomlValue};

/// The offsets at which the lines of a text begin.
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// The last offset and its place, so that queries in ascending order scan each line once.
    last: Cell<(usize, Position)>,
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            text,
            starts,
            last: Cell::new((0, Position { line: 1, column: 1 })),
        }
    }

    /// Returns the place of a byte offset. Offsets past the end mean the end; a byte order mark takes no column.
    pub(crate) fn position(&self, at: usize) -> Position {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self
            .starts
            .partition_point(|start| *start <= at)
            .saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let (last, known) = self.last.get();
        let (from, column) = if (start..=at).contains(&last) {
            (last, known.column)
        } else {
            (start, 1)
        };
        let between = self.text.get(from..at).unwrap_or("");
        let mark = usize::from(from == 0 && between.starts_with('\u{feff}'));
        let place = Position {
            line: line + 1,
            column: column + between.chars().count() - mark,
        };
        self.last.set((at, place));
        place
    }
}

/// The file a configuration came from: its name and the place of every setting in it, without any value.
///
/// Later stages use it to place their diagnostics, such as a plugin's build error.
#[derive(Clone, Debug)]
pub struct Origin {
    file: Arc<str>,
    places: BTreeMap<String, Position>,
    /// Fingerprints of the components' tables.
    prints: BTreeMap<String, Print>,
}

/// The fingerprints of a table.
#[derive(Clone, Copy, Debug)]
struct Print {
    whole: u64,
    /// Without the address of the router.
    common: u64,
}

impl Print {
    fn of(table: &TomlNode) -> Print {
        Print {
            whole: table.fingerprint(),
            common: table.fingerprint_without("listen"),
        }
    }
}

impl Origin {
    pub(crate) fn new(file: Arc<str>, root: &TomlNode, lines: &Lines<'_>) -> Self {
        let mut nodes = Vec::new();
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            nodes.push(node);
            match &node.value {
                TomlValue::Table(entries) => open.extend(entries.iter().map(|entry| &entry.node)),
                TomlValue::List(items) => open.extend(items),
                _ => {}
            }
        }
        nodes.sort_by_key(|node| node.at);
        let places = nodes
            .into_iter()
            .map(|node| (node.path.clone(), lines.position(node.at)))
            .collect();
        let tables = root.entries().iter().flat_map(|section| section.node.entries());
        let prints = tables
            .map(|entry| (entry.node.path.clone(), Print::of(&entry.node)))
            .collect();
        Self { file, places, prints }
    }

    /// Returns the fingerprint of a component (`sinks.pin`), equal for equal settings after interpolation. A reload keeps
    /// components with equal fingerprints.
    #[must_use]
    pub fn fingerprint(&self, component: &str) -> Option<u64> {
        self.prints.get(component).map(|print| print.whole)
    }

    /// Returns the fingerprint of a component without `listen`, the setting in which the files of routers that share a
    /// journal may differ. It is equal in files that agree in the rest.
    #[must_use]
    pub fn common_fingerprint(&self, component: &str) -> Option<u64> {
        self.prints.get(component).map(|print| print.common)
    }

    /// Returns the name of the file, as the user gave it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the place of the value at `path` (dotted, as diagnostics print it), or of the nearest table or list around it
    /// in the file; `None` if the file does not contain its first part either.
    #[must_use]
    pub fn locate(&self, path: &str) -> Option<Position> {
        let mut path = path;
        while !path.is_empty() {
            if let Some(place) = self.places.get(path) {
                return Some(*place);
            }
            path = path
                .rfind(['.', '['])
                .and_then(|end| path.get(..end))
                .unwrap_or("");
        }
        None
    }

    /// Creates a diagnostic at `path`, for the stages after loading.
    #[must_use]
    pub fn diagnostic(&self, path: &str, message: impl Into<String>, help: Option<String>) -> Diagnostic {
        Diagnostic {
            path: path.to_owned(),
            message: message.into(),
            help,
            file: Arc::clone(&self.file),
            position: Some(self.locate(path).unwrap_or(Position { line: 1, column: 1 })),
        }
    }
}

/// Gives findings their file and position.
pub(crate) fn place(mut findings: Vec<Finding>, file: &Arc<str>, lines: &Lines<'_>) -> Vec<Diagnostic> {
    findings.sort_by_key(|finding| finding.at);
    findings
        .into_iter()
        .map(|finding| Diagnostic {
            position: Some(lines.position(finding.at)),
            path: finding.path,
            message: finding.message,
            help: finding.help,
            file: Arc::clone(file),
        })
        .collect()
}

/// Joins `base` and a path relative to it, which may be empty, a key (`retry.for`) or an element (`[2].fields`, or
/// `2.fields` as plugins may write it).
#[must_use]
pub fn join(base: &str, relative: &str) -> String {
    let mut path = base.to_owned();
    for part in relative.split('.').filter(|part| !part.is_empty()) {
        let index = part.chars().all(|c| c.is_ascii_digit());
        if index && !path.is_empty() {
            path.push_str(&format!("[{part}]"));
        } else {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
    }
    path
}
