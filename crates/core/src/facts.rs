//! What is known of an event beside its payload.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Warning;

/// Facts that transforms find out and destinations act on. They travel with the event through the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Set if the user opted out and the opt-out can be expressed: the destination must restrict processing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_data_processing: Option<LimitedDataProcessing>,
    /// Which paths hold hashes instead of plain text, and by which rules they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashed: Vec<HashedPath>,
    /// What transforms left out of the payload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Noted>,
    /// The only sinks it may go to, by their names in the pipeline file. `None`: every sink of its source.
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
    /// Where, with dots. Shared: every event of a kind names the same paths.
    pub path: Arc<str>,
    /// The name of the normalising rules.
    pub rules: Arc<str>,
}

/// A [`Warning`] in the form that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Stable code.
    pub code: String,
    /// The path it is about.
    pub path: String,
    /// A sentence without personal data.
    pub message: String,
}

impl From<Warning> for Noted {
    fn from(warning: Warning) -> Self {
        Noted {
            code: warning.code.into_owned(),
            path: warning.path,
            message: warning.message,
        }
    }
}

impl From<&Noted> for Warning {
    fn from(noted: &Noted) -> Self {
        Warning {
            code: noted.code.clone().into(),
            path: noted.path.clone(),
            message: noted.message.clone(),
        }
    }
}
