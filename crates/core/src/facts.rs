//! Facts about an event, in addition to its payload.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Warning;

/// Facts that transforms find out and destinations apply. They travel with the event through the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Set if the user opted out and the opt-out can be expressed: the destination must restrict processing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_data_processing: Option<LimitedDataProcessing>,
    /// Paths that hold hashes instead of plain text, and the rules that made these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashed: Vec<HashedPath>,
    /// Warnings of transforms, for instance about values left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Names of the only sinks that may get the event. `None`: every sink of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sinks: Option<Vec<String>>,
}

/// An opt-out under a US state privacy law, with the codes a destination needs to honour it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedDataProcessing {
    /// Two-letter state code, upper case: `CA`.
    pub state: String,
    /// ISO 3166 alpha-2 country code, upper case: `US`.
    pub country: String,
}

/// A path whose value was replaced by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashedPath {
    /// Path with dots. Shared, since every event of a kind names the same paths.
    pub path: Arc<str>,
    /// Name of the normalising rules.
    pub rules: Arc<str>,
    /// More hashes of the value, where one does not do: of its other spellings. The payload holds the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Arc<str>>,
}
