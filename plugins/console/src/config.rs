//! The settings in a pipeline file.

use std::io::{Write, stderr, stdout};

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{
    BuildContext, BuildErrors, Built, HumanDuration, Sink, SinkConfig, SinkDefaults, register_plugin,
};

use crate::options::Target;
use crate::sink::Console;

/// Settings of the sink `console`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsoleConfig {
    /// Where to print. Default `"stdout"`.
    #[serde(default)]
    pub target: Target,
}

register_plugin!(
    Sink,
    ConsoleConfig,
    "console",
    "Prints each event as a line of JSON."
);

#[typetag::deserialize(name = "console")]
impl SinkConfig for ConsoleConfig {
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Sink>, BuildErrors> {
        let out: Box<dyn Write + Send> = match self.target {
            Target::Stdout => Box::new(stdout()),
            Target::Stderr => Box::new(stderr()),
        };
        Ok(Built::sink(Console::new(context.name.clone(), out)))
    }

    fn defaults(&self) -> SinkDefaults {
        SinkDefaults {
            // A person watches the output.
            max_wait: HumanDuration::from_millis(100),
            concurrency: 1,
            retry_for: HumanDuration::from_secs(3600),
            ..SinkDefaults::default()
        }
    }
}
