//! Where the user lives.

use signalbox_core::{Event, Node, Path};
use signalbox_segment::normalise::geo;

/// What the paths for a state or a country gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Its code, in upper case.
    Code(&'static str),
    /// There is something, but it is no name, code or hash that is known.
    Unknown,
    /// There is nothing.
    Missing,
}

impl Finding {
    fn is_code(self) -> bool {
        matches!(self, Finding::Code(_))
    }
}

/// State and country of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) state: Finding,
    pub(crate) country: Finding,
}

/// Where they are looked for, in this order.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) states: Vec<Path>,
    pub(crate) countries: Vec<Path>,
}

impl Places {
    pub(crate) fn find(&self, event: &Event) -> Location {
        Location {
            state: first(&self.states, event, geo::state_code),
            country: first(&self.countries, event, geo::country_code),
        }
    }

    /// The first path for what is not known.
    pub(crate) fn looked_at(&self, location: &Location) -> String {
        let paths = if location.state.is_code() {
            &self.countries
        } else {
            &self.states
        };
        paths.first().map(Path::to_string).unwrap_or_default()
    }
}

/// The first path with something that is known.
fn first(paths: &[Path], event: &Event, code: fn(&str) -> Option<&'static str>) -> Finding {
    let mut found = Finding::Missing;
    for node in paths.iter().filter_map(|path| event.get(path)) {
        match of(node, code) {
            Finding::Missing => {}
            Finding::Unknown => found = Finding::Unknown,
            known => return known,
        }
    }
    found
}

/// One value, or the first of an array that is known.
fn of(node: Node<'_>, code: fn(&str) -> Option<&'static str>) -> Finding {
    let one = |node: Node<'_>| match node.as_str() {
        Some(text) if text.trim().is_empty() => Finding::Missing,
        Some(text) => code(text).map_or(Finding::Unknown, Finding::Code),
        None if node.is_null() => Finding::Missing,
        None => Finding::Unknown,
    };
    let mut items = node.items().map(one).peekable();
    if items.peek().is_none() {
        // An empty array says as little as none.
        return if node.kind() == signalbox_core::Kind::Array {
            Finding::Missing
        } else {
            one(node)
        };
    }
    let mut found = Finding::Missing;
    for item in items {
        match item {
            Finding::Missing => {}
            Finding::Unknown => found = Finding::Unknown,
            known => return known,
        }
    }
    found
}
