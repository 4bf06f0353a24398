//! Import from Segment: a sink plugin can convert the settings of its destination at Segment to a table of the pipeline
//! file.

/// The import of one plugin.
#[derive(Debug)]
pub struct SegmentImport {
    /// The `type` of the sink.
    pub plugin: &'static str,
    /// Returns the names of the destinations it reads, as Segment's catalog shows them.
    pub destinations: fn() -> Vec<&'static str>,
    /// Reads JSON of destinations as Segment's Public API returns it: destinations, their subscriptions, or both, in one
    /// text or several in a row.
    pub import: fn(&str) -> Result<Imports, ImportError>,
}

inventory::collect!(SegmentImport);

/// The part of a text that one plugin imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imports {
    /// The plugin's destinations, in the order of the text; at least one.
    pub sinks: Vec<Imported>,
    /// Destinations and subscriptions of the text that are not the plugin's, as a message may name them.
    pub others: Vec<String>,
    /// Sentences about answers of which the text holds only some pages.
    pub missing: Vec<String>,
}

/// An imported destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The name of the sink.
    pub sink: String,
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
    /// Segment's API refused a request, and the text holds its error.
    #[error(
        "it holds an error of Segment's API{} instead of an answer; repeat the request (the token needs read access to \
         the workspace)",
        .kind.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default()
    )]
    Refused {
        /// The kind of the error in Segment's words, such as `forbidden`.
        kind: Option<String>,
    },
    /// The text holds nothing that an answer about destinations or subscriptions has, such as the body of an error.
    #[error(
        "it holds neither a destination nor a subscription; give the answers of Segment's API to GET /destinations/ID and \
         GET /destinations/ID/subscriptions"
    )]
    Nothing,
    /// The JSON is of another kind of destination.
    #[error("this is no destination that can be imported")]
    OtherDestination,
}

/// Returns the imports of all linked plugins, ordered by name.
pub fn segment_imports() -> Vec<&'static SegmentImport> {
    let mut all: Vec<_> = inventory::iter::<SegmentImport>.into_iter().collect();
    all.sort_by_key(|import| import.plugin);
    all
}

/// Registers a plugin's import: a value with the methods `names` and `run`, see [`SegmentImport`].
#[macro_export]
macro_rules! register_segment_import {
    ($plugin:literal, $import:path) => {
        $crate::__private::inventory::submit! {
            $crate::SegmentImport {
                plugin: $plugin,
                destinations: || $import.names(),
                import: |json| $import.run(json),
            }
        }
    };
}
