//! The result of loading a file without mistakes.

use signalbox_core::{BuildError, SinkConfig, SourceConfig, TransformConfig};

use super::diagnostic::{Diagnostic, Diagnostics, Position};
use super::origin::{Origin, join};
use super::outline::ComponentOutline;
use super::settings::{
    AdminSettings, AlertSettings, DeadLetterSettings, HistorySettings, JournalSettings, ShutdownSettings,
    SinkRuntime, SourceRuntime, TelemetrySettings,
};

/// A configuration in which every name resolves and every value is read. Components stand in the order of the file.
#[derive(Debug)]
pub struct LoadedConfig {
    /// `[journal]`
    pub journal: JournalSettings,
    /// `[dead_letters]`
    pub dead_letters: DeadLetterSettings,
    /// `[history]`, or the settings of a file without the table; `None` if there is no history.
    pub history: Option<HistorySettings>,
    /// `[admin]`; without it there is no admin address.
    pub admin: Option<AdminSettings>,
    /// `[alerts]`; without it no messages are sent.
    pub alerts: Option<AlertSettings>,
    /// `[telemetry]`
    pub telemetry: TelemetrySettings,
    /// `[shutdown]`
    pub shutdown: ShutdownSettings,
    /// `[sources.NAME]`, at least one.
    pub sources: Vec<SourceEntry>,
    /// `[transforms.NAME]`
    pub transforms: Vec<TransformEntry>,
    /// `[sinks.NAME]`, at least one.
    pub sinks: Vec<SinkEntry>,
    /// The components as people may see them.
    pub components: Vec<ComponentOutline>,
    /// Settings that are accepted but probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// The file, for diagnostics of later stages.
    pub origin: Origin,
}

/// A source as configured.
#[derive(Debug)]
pub struct SourceEntry {
    /// Its name in the file.
    pub name: String,
    /// Its `type`.
    pub plugin: &'static str,
    /// The place of its definition.
    pub position: Position,
    /// The runtime's keys.
    pub runtime: SourceRuntime,
    /// The plugin's settings, ready to build.
    pub config: Box<dyn SourceConfig>,
}

/// A transform as configured.
#[derive(Debug)]
pub struct TransformEntry {
    /// Its name in the file.
    pub name: String,
    /// Its `type`.
    pub plugin: &'static str,
    /// The place of its definition.
    pub position: Position,
    /// The plugin's settings, ready to build (once for each place that names it).
    pub config: Box<dyn TransformConfig>,
}

/// A sink as configured.
#[derive(Debug)]
pub struct SinkEntry {
    /// Its name in the file.
    pub name: String,
    /// Its `type`.
    pub plugin: &'static str,
    /// The place of its definition.
    pub position: Position,
    /// The runtime's keys.
    pub runtime: SinkRuntime,
    /// The plugin's settings, ready to build.
    pub config: Box<dyn SinkConfig>,
}

impl Origin {
    /// Turns a plugin's build error into a diagnostic of the file. `component` is the component's path, such as `sinks.pin`.
    #[must_use]
    pub fn build_error(&self, component: &str, error: &BuildError) -> Diagnostic {
        self.diagnostic(
            &join(component, &error.path),
            error.message.clone(),
            error.help.clone(),
        )
    }

    /// Joins the diagnostics of a later stage into one error, sorted and counted like those of loading.
    #[must_use]
    pub fn diagnostics(&self, list: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics::new(self.file().into(), list)
    }
}
