//! The settings of the file that are not a plugin's: the runtime's own tables, and its keys within a component.
//!
//! Each field has its meaning, its default and its limit beside it. `signalbox schema`, editors and the tables of
//! docs/configuration.md show the comments of the fields: the meaning, then `Default: …` or `Required.`.

mod admin;
mod alerts;
mod dead_letters;
mod history;
mod journal;
mod process;
mod sink;
mod source;
mod tls;
mod tokens;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use signalbox_core::BuildError;

pub use admin::{AdminSettings, check_admin};
pub use alerts::AlertSettings;
pub use dead_letters::{DeadLetterSettings, OnFull, PersonalData};
pub use history::{HistoryEvents, HistorySettings};
pub use journal::{ClusterSettings, JournalKind, JournalSettings};
pub use process::{ShutdownSettings, TelemetrySettings};
pub use sink::{BatchKeys, InputsRemoved, OnJournalFull, RetryKeys, SinkRuntime, StartAt, WhenAbsent};
pub use source::SourceRuntime;
pub use tls::AdminTls;
pub(crate) use tokens::name_fault;
pub use tokens::{AdminToken, LOCAL_NAME, Role, TOKEN_NAME};

/// A table of the runtime, with the checks of its values. Only keys that are in the file are reported.
pub(crate) trait Table: DeserializeOwned + JsonSchema {
    /// Its name in the file.
    const NAME: &'static str;

    /// Values outside their limits.
    fn faults(&self) -> Vec<BuildError> {
        Vec::new()
    }

    /// Values that are accepted but probably not meant.
    fn doubts(&self) -> Vec<BuildError> {
        Vec::new()
    }
}
