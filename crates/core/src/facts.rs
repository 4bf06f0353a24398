//! Facts about an event, in addition to its payload.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Warning;

/// Facts that transforms find out and destinations apply. They travel with the event through the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Set if the user opted out and the opt-out can be expressed: the destination must restrict processing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_data_processing: Option<LimitedDataProcessing>,
    /// Hashes that transforms put in the place of plain text, by path and rules. Hashes that arrived are not among them.
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

/// The hashes of a path's values by one set of rules.
///
/// A path hashed by one set has one entry, without a list: every value there is a hash by these rules, and the payload holds
/// it. A path hashed by several sets has an entry for each, and so has one at which some hashes arrived with the event. The
/// lists of a path's entries run parallel: the hashes at one index are those of one value, of which the payload holds one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashedPath {
    /// Path with dots. Shared, since every event of a kind names the same paths.
    pub path: Arc<str>,
    /// Name of the normalising rules.
    pub rules: Arc<str>,
    /// The kind of personal field for which the values were normalised, such as `email`; `None` where the entry has no list,
    /// and in journals of older versions. It tells values apart that one set of rules makes equal and another does not, such
    /// as an e-mail address and a user id that repeats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Cow<'static, str>>,
    /// The hash of each value, as 64 lower-case hexadecimal digits; the empty text where the rules have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Arc<str>>,
}
