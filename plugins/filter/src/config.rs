//! What users write.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildContext, BuildError, BuildErrors, Transform, TransformConfig, register_plugin};
use signalbox_segment::fql::Trigger;
use signalbox_segment::settings::{self, Findings};

use crate::transform::Filter;

/// Settings of the transform `filter`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// Which events go on, in Segment's trigger language.
    pub trigger: String,
    /// True: the events that the trigger matches are those that do not go on. Default false.
    #[serde(default)]
    pub invert: bool,
}

register_plugin!(
    Transform,
    FilterConfig,
    "filter",
    "Lets only those events go on that a trigger matches."
);

impl FilterConfig {
    fn read(&self) -> (Option<Trigger>, Findings) {
        let mut findings = Findings::default();
        let trigger = settings::trigger(&self.trigger, "trigger", &mut findings);
        (trigger, findings)
    }
}

#[typetag::deserialize(name = "filter")]
impl TransformConfig for FilterConfig {
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transform>, BuildErrors> {
        let (trigger, findings) = self.read();
        match trigger {
            Some(trigger) => Ok(Box::new(Filter::new(&context.name, trigger, self.invert))),
            None => Err(findings.errors),
        }
    }

    fn warnings(&self) -> Vec<BuildError> {
        self.read().1.warnings
    }
}
