//! The settings in a pipeline file.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildContext, BuildError, BuildErrors, Built, Source, SourceConfig, register_plugin};

use super::FileSource;

/// Settings of a `file` source.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSourceConfig {
    /// The file to read; a folder, whose files are read in the order of their names (hidden ones and folders are left out); a
    /// pattern such as `exports/*.json.gz`; or `-` for standard input. A relative path starts at the directory Signalbox runs
    /// in.
    pub path: String,
    /// If true, a file is read from its beginning at each start. Otherwise reading resumes where it stopped, and a file
    /// that was read to its end is read again only when it has grown or another has replaced it. Default false.
    #[serde(default)]
    pub read_again: bool,
}

#[typetag::deserialize(name = "file")]
impl SourceConfig for FileSourceConfig {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Source>, BuildErrors> {
        if self.path.is_empty() {
            return Err(vec![
                BuildError::new("path", "no file named").help("name a file, or \"-\" for standard input"),
            ]);
        }
        if self.read_again && self.path == "-" {
            return Err(vec![
                BuildError::new("read_again", "standard input can be read only once").help("take it out"),
            ]);
        }
        Ok(Built::source(FileSource {
            path: self.path.clone(),
            read_again: self.read_again,
        }))
    }

    fn is_shared(&self) -> bool {
        false
    }
}

register_plugin!(
    Source,
    FileSourceConfig,
    "file",
    "Events as JSON, from files or standard input."
);
