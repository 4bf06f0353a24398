//! The places of members in a request, for warnings.

use std::fmt;

/// The object that a member stands in, written out only for a warning.
#[derive(Debug, Clone, Copy)]
pub enum Parent {
    /// The event.
    Event,
    /// An object.
    Object(&'static str),
    /// An object of a list.
    Item(&'static str, usize),
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Parent::Event => Ok(()),
            Parent::Object(path) => f.write_str(path),
            Parent::Item(path, index) => write!(f, "{path}[{index}]"),
        }
    }
}

impl Parent {
    /// Returns the path of a member.
    pub(crate) fn child(self, key: &str) -> String {
        match self {
            Parent::Event => key.to_owned(),
            parent => format!("{parent}.{key}"),
        }
    }
}
