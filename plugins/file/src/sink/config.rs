//! The settings in a pipeline file.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, Sink, SinkConfig, SinkDefaults, Size, register_plugin,
};
use tokio::sync::Mutex;

use super::FileSink;
use super::appender::{Appender, Rotation};

/// Settings of the sink `file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSinkConfig {
    /// The file to append to; a relative path starts at the directory Signalbox runs in. Its folder must exist.
    pub path: PathBuf,
    /// The file is set aside before it grows beyond this size. A single line may be longer. Default: never.
    #[serde(default)]
    pub max_size: Option<Size>,
    /// Number of rotated files to keep, as `path.1` (the newest) and so on, 1 to 10000. The oldest is deleted, which is
    /// logged and counted by the metric `signalbox_sink_warnings_total`. Only with `max_size`. Default 5.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000))]
    pub keep: Option<u32>,
    /// If true, an event counts as delivered only when it is on the disk (fsync after each batch), and not already when
    /// the operating system has it. Default true.
    #[serde(default = "yes")]
    pub sync: bool,
}

fn yes() -> bool {
    true
}

/// Files kept if the settings do not say.
const KEEP: u32 = 5;

register_plugin!(
    Sink,
    FileSinkConfig,
    "file",
    "Appends events to a file as lines of JSON."
);

#[typetag::deserialize(name = "file")]
impl SinkConfig for FileSinkConfig {
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Sink>, BuildErrors> {
        let mut errors = Vec::new();
        if self.path.file_name().is_none() {
            errors.push(BuildError::new("path", "must end in the name of a file"));
        }
        if self.max_size.is_some_and(|size| size.0 == 0) {
            errors.push(
                BuildError::new("max_size", "must be more than nothing")
                    .help("leave it out for a file that grows without end"),
            );
        }
        match self.keep {
            Some(keep) if !(1..=10_000).contains(&keep) => {
                errors.push(BuildError::new("keep", "must be from 1 to 10000"));
            }
            Some(_) if self.max_size.is_none() => {
                errors.push(
                    BuildError::new("keep", "has no meaning without max_size").help("set max_size, too"),
                );
            }
            _ => {}
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let rotation = self.max_size.map(|size| Rotation {
            max_size: size.0,
            keep: self.keep.unwrap_or(KEEP),
        });
        Ok(Built::sink(FileSink {
            name: context.name.clone(),
            path: self.path.clone(),
            appender: Arc::new(Mutex::new(Appender::new(
                context.name.clone(),
                self.path.clone(),
                rotation,
                self.sync,
            ))),
        })
        .warnings(self.warnings()))
    }

    fn defaults(&self) -> SinkDefaults {
        SinkDefaults {
            max_events: 1000,
            max_events_ceiling: 100_000,
            max_bytes: 4_000_000,
            concurrency: 1,
            ..SinkDefaults::default()
        }
    }
}

impl FileSinkConfig {
    fn warnings(&self) -> Vec<BuildError> {
        if self.max_size.is_none() || self.keep.is_some() {
            return Vec::new();
        }
        let message = format!("only {KEEP} files of this size are kept, and the oldest is deleted");
        let help = format!("set `keep` ({KEEP} if that is meant), or take max_size out to keep everything");
        vec![BuildError::new("max_size", message).help(help)]
    }
}
