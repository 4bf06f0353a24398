//! The pipeline file: settings read from it, and every mistake in it reported with its place.
//!
//! [`load`] parses TOML into a tree of values with their places, interpolates `${…}`, reads the runtime's own tables and
//! each component (typetag builds a plugin's settings straight from the tree), checks the names, and returns either a
//! [`LoadedConfig`] or every finding at once ([`Diagnostics`]). It opens, binds and sends nothing. The runtime builds the
//! components later, and points into the file with [`Origin`].
//!
//! Every message gives the file, line, column and full path. No message shows a value of the file, only keys, kinds and
//! known names, because any value may be a token in the wrong place.

mod check;
mod component;
mod de;
mod diagnostic;
mod failure;
mod interpolate;
mod key_files;
mod load;
mod loaded;
mod nodes;
mod operator;
mod origin;
mod outline;
mod redact;
mod schema;
mod section;
mod settings;
mod suggest;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

pub use diagnostic::{Diagnostic, Diagnostics, Position};
pub use interpolate::{Environment, ProcessEnvironment};
pub use load::{load, load_file};
pub use loaded::{LoadedConfig, SinkEntry, SourceEntry, TransformEntry};
pub use operator::{AdminAddress, OperatorSettings, load_for_operators};
pub use origin::{Origin, join};
pub use outline::{ComponentOutline, SettingOutline};
pub use schema::schema;
pub use settings::{
    AdminSettings, AdminTls, AdminToken, AlertSettings, BatchKeys, ClusterSettings, DeadLetterSettings,
    HistoryEvents, HistorySettings, InputsRemoved, JournalKind, JournalSettings, LOCAL_NAME, OnFull,
    OnJournalFull, PersonalData, RetryKeys, Role, ShutdownSettings, SinkRuntime, SourceRuntime, StartAt,
    TOKEN_NAME, TelemetrySettings, WhenAbsent, check_admin,
};
