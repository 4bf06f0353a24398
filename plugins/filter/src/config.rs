//! The settings in a pipeline file.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildContext, BuildErrors, Built, Transform, TransformConfig, register_plugin};
use signalbox_segment::settings::{self, Findings};

use crate::transform::Filter;

/// Settings of the transform `filter`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// Trigger that selects the events to pass, in Segment's trigger language.
    pub trigger: String,
    /// If true, the events that the trigger matches are stopped, and the others pass. Default false.
    #[serde(default)]
    pub invert: bool,
}

register_plugin!(
    Transform,
    FilterConfig,
    "filter",
    "Lets only those events go on that a trigger matches."
);

#[typetag::deserialize(name = "filter")]
impl TransformConfig for FilterConfig {
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Transform>, BuildErrors> {
        let mut findings = Findings::default();
        match settings::trigger(&self.trigger, "trigger", &mut findings) {
            Some(trigger) => {
                let filter = Filter::new(&context.name, trigger, self.invert);
                Ok(Built::transform(filter).warnings(findings.warnings))
            }
            None => Err(findings.errors),
        }
    }
}
