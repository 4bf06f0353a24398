//! Import from Segment: a sink plugin can convert the settings of its destination at Segment to a table of the pipeline
//! file.

/// The import of one plugin.
#[derive(Debug)]
pub struct SegmentImport {
    /// The `type` of the sink.
    pub plugin: &'static str,
    /// Reads the destination's JSON as Segment's Public API returns it: the destination, its subscriptions, or both, in
    /// one text or several in a row.
    pub import: fn(&str) -> Result<Imported, ImportError>,
}

inventory::collect!(SegmentImport);

/// An imported destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// A `[sinks.…]` table that loads unchanged once its source and its secrets are there. It holds no secret.
    pub toml: String,
    /// Sentences about settings that were not imported and about steps that remain, without secrets.
    pub notes: Vec<String>,
}

/// The reason why nothing could be imported.
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
    /// The JSON is of another kind of destination, or of none.
    #[error("this is no destination that can be imported")]
    OtherDestination,
    /// The JSON holds settings of several destinations.
    #[error("this holds several destinations; give the JSON of one of them")]
    Several,
}

/// Returns the imports of all linked plugins, ordered by name.
pub fn segment_imports() -> Vec<&'static SegmentImport> {
    let mut all: Vec<_> = inventory::iter::<SegmentImport>.into_iter().collect();
    all.sort_by_key(|import| import.plugin);
    all
}

/// Registers a plugin's import.
#[macro_export]
macro_rules! register_segment_import {
    ($plugin:literal, $import:path) => {
        $crate::__private::inventory::submit! {
            $crate::SegmentImport { plugin: $plugin, import: $import }
        }
    };
}
