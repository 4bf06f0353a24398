//! Paths into an event.

use std::fmt;
use std::str::FromStr;

/// A path such as `context.traits.email`: member names (or array indices) joined by dots, with an optional leading
/// `$.`. Created once, from configuration; following it allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    pub(super) steps: Vec<Box<str>>,
}

impl Path {
    /// Splits a path. Empty steps are dropped, so the empty path is the whole event.
    pub fn new(text: &str) -> Path {
        let text = text.strip_prefix("$.").unwrap_or(text);
        Path {
            steps: text
                .split('.')
                .filter(|step| !step.is_empty())
                .map(Box::from)
                .collect(),
        }
    }

    /// Returns the steps from the root.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| &**step)
    }

    /// Returns the number of steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Returns true for the path of the whole event.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl FromStr for Path {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Path, Self::Err> {
        Ok(Path::new(text))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.steps.join("."))
    }
}
