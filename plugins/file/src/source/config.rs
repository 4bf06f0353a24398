//! What users write.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildContext, BuildError, BuildErrors, Source, SourceConfig, register_plugin};

use super::FileSource;

/// Settings of a `file` source.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSourceConfig {
    /// The file to read, or `-` for standard input. A relative path starts at the directory Signalbox runs in.
    pub path: String,
}

#[typetag::deserialize(name = "file")]
impl SourceConfig for FileSourceConfig {
    fn build(&self, _: &BuildContext) -> Result<Box<dyn Source>, BuildErrors> {
        if self.path.is_empty() {
            return Err(vec![
                BuildError::new("path", "no file named").help("name a file, or \"-\" for standard input"),
            ]);
        }
        Ok(Box::new(FileSource {
            path: self.path.clone(),
        }))
    }
}

register_plugin!(
    Source,
    FileSourceConfig,
    "file",
    "Events as lines of JSON, from a file or standard input."
);
