//! The configuration file: reading it, and saying well what is wrong with it.
//!
//! [`load`] parses TOML into a tree that knows its places, puts `${…}` in, reads the runtime's own tables and each
//! component (typetag builds a plugin's settings straight from the tree), checks that the names fit together, and
//! returns either a [`LoadedConfig`] or every finding at once ([`Diagnostics`]). Nothing is opened, bound or sent;
//! building the components is the next stage, and [`Origin`] lets it point into the file too.
//!
//! Two things hold for every text made here: it gives the file, line, column and full path; and it shows no value of
//! the file, only keys, kinds and the names of what is known, because any value may be a token in the wrong place.

mod admin_access;
mod check;
mod component;
mod de;
mod diagnostic;
mod failure;
mod interpolate;
mod load;
mod loaded;
mod operator;
mod origin;
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

pub use admin_access::check_admin;
pub use diagnostic::{Diagnostic, Diagnostics, Position};
pub use interpolate::{Environment, ProcessEnvironment};
pub use load::{load, load_file};
pub use loaded::{LoadedConfig, SinkEntry, SourceEntry, TransformEntry};
pub use operator::{AdminAddress, OperatorSettings, load_for_operators};
pub use origin::{Origin, join};
pub use schema::{reserved_keys, schema};
pub use settings::{
    AdminSettings, BatchKeys, DeadLetterSettings, InputsRemoved, JournalKind, JournalSettings, OnFull,
    OnJournalFull, PersonalData, RetryKeys, ShutdownSettings, SinkRuntime, SourceRuntime, StartAt,
    TelemetrySettings,
};
