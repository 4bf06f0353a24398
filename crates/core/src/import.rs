//! Moving over from Segment: a sink plugin can turn the settings of its destination there into a table of the pipeline
//! file.

/// One plugin's way to import a destination.
#[derive(Debug)]
pub struct SegmentImport {
    /// The `type` of the sink that is made.
    pub plugin: &'static str,
    /// Reads the destination's JSON as Segment's Public API answers it: the destination, its subscriptions, or both, in
    /// one text or several behind each other.
    pub import: fn(&str) -> Result<Imported, ImportError>,
}

inventory::collect!(SegmentImport);

/// A destination, as far as it could be carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// A `[sinks.…]` table that loads as it stands, once its source and its secrets are there. It holds no secret.
    pub toml: String,
    /// What was not carried over, and what is left to do; a sentence each, without secrets.
    pub notes: Vec<String>,
}

/// Why nothing could be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The text is not JSON.
    #[error("not JSON (line {line}, column {column})")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// It is some other destination, or none.
    #[error("this is no destination that can be imported")]
    OtherDestination,
    /// There are settings of several destinations.
    #[error("this holds several destinations; give the JSON of one of them")]
    Several,
}

/// The imports of all linked plugins, ordered by name.
pub fn segment_imports() -> Vec<&'static SegmentImport> {
    let mut all: Vec<_> = inventory::iter::<SegmentImport>.into_iter().collect();
    all.sort_by_key(|import| import.plugin);
    all
}

/// Lists a plugin's import.
#[macro_export]
macro_rules! register_segment_import {
    ($plugin:literal, $import:path) => {
        $crate::__private::inventory::submit! {
            $crate::SegmentImport { plugin: $plugin, import: $import }
        }
    };
}
