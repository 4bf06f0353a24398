//! The state and country of the user.

use signalbox_conversions::personal::rules::PINTEREST;
use signalbox_conversions::personal::{Field, geo, normalise};
use signalbox_core::{Event, Kind, Node, Path};

/// The value found at the paths for a state or a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Its code, in upper case.
    Code(&'static str),
    /// A value that is no known name, code or hash.
    Unknown,
    /// No value.
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

/// The paths of both, searched in this order.
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

    /// The first path of the part that is not known.
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

/// Returns the text in the form that is hashed, so that a text and its hash give the same decision.
fn cleaned(field: Field, text: &str) -> Option<String> {
    let mut cleaned = String::new();
    normalise(field, &PINTEREST, text, &mut cleaned).ok()?;
    Some(cleaned)
}

/// Returns the finding of the first path with a known value.
fn first(paths: &[Path], event: &Event, read: Read) -> Finding {
    best(
        paths
            .iter()
            .filter_map(|path| event.get(path))
            .map(|node| of(node, read)),
    )
}

/// Reads one value, or the first known one of an array.
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

/// Returns the first code; without one, `Unknown` if any value was there.
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
