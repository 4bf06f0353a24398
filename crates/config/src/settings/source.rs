//! The runtime's keys in `[sources.NAME]`.

use schemars::JsonSchema;
use serde::Deserialize;

/// The runtime's keys of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRuntime {
    /// Transforms that every event of this source passes before it is stored, in this order. Default: none.
    #[serde(default)]
    pub through: Vec<String>,
    /// Name that this source had before: its counts, known ids, checkpoints, dead letters and pending events go over. It
    /// may stay in the file. Default: none.
    pub was: Option<String>,
    /// Name of the router (`node` of `[journal.cluster]`) that alone runs this source, of those that share a journal on NATS. A
    /// source that reads from one machine, such as `file`, needs it there. Default: every router runs it.
    pub only_on: Option<String>,
}
