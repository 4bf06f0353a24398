//! Where the user lives.

use signalbox_conversions::personal::rules::PINTEREST;
use signalbox_conversions::personal::{Field, geo, normalise};
use signalbox_core::{Event, Kind, Node, Path};

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
            state: first(&self.states, event, state),
            country: first(&self.countries, event, country),
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

type Read = fn(&str) -> Option<&'static str>;

fn state(text: &str) -> Option<&'static str> {
    geo::state_code(&cleaned(Field::State, text)?)
}

fn country(text: &str) -> Option<&'static str> {
    geo::country_code(&cleaned(Field::Country, text)?)
}

/// The text as it would be hashed, so that a text and its hash are understood alike.
fn cleaned(field: Field, text: &str) -> Option<String> {
    let mut cleaned = String::new();
    normalise(field, &PINTEREST, text, &mut cleaned).ok()?;
    Some(cleaned)
}

/// The first path with something that is known.
fn first(paths: &[Path], event: &Event, read: Read) -> Finding {
    best(
        paths
            .iter()
            .filter_map(|path| event.get(path))
            .map(|node| of(node, read)),
    )
}

/// One value, or the first of an array that is known.
fn of(node: Node<'_>, read: Read) -> Finding {
    if node.kind() == Kind::Array {
        best(node.items().map(|item| one(item, read)))
    } else {
        one(node, read)
    }
}

fn one(node: Node<'_>, read: Read) -> Finding {
    match node.as_str() {
        Some(text) if text.trim().is_empty() => Finding::Missing,
        Some(text) => read(text).map_or(Finding::Unknown, Finding::Code),
        None if node.is_null() => Finding::Missing,
        None => Finding::Unknown,
    }
}

/// The first code, else whether there was anything.
fn best(findings: impl Iterator<Item = Finding>) -> Finding {
    let mut best = Finding::Missing;
    for finding in findings {
        match finding {
            Finding::Missing => {}
            Finding::Unknown => best = Finding::Unknown,
            code => return code,
        }
    }
    best
}
