//! The settings in a pipeline file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, Path, Transform, TransformConfig, register_plugin,
};
use signalbox_segment::mapping::Mapping;
use signalbox_segment::settings::{self, Fields, Findings, Given, child, given_fields};

use crate::options::Mode;
use crate::paths;
use crate::reasons::TYPES;
use crate::transform::Map;

/// Settings of the transform `map`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapConfig {
    /// Trigger that selects the events to map, in Segment's trigger language; others pass unchanged. Default: all.
    #[serde(default)]
    pub trigger: Option<String>,
    /// Mapping put into the event: a table whose keys are members of the event, or paths such as "properties.value", and
    /// whose values are literals or directives such as `{ "@path" = "$.properties.revenue" }`. Default nothing.
    #[serde(default)]
    pub fields: Option<Fields>,
    /// A file with `fields` in JSON, as Segment's API writes a mapping; instead of `fields`.
    #[serde(default)]
    pub fields_file: Option<PathBuf>,
    /// Merges the result into the event, or replaces the event. Default `"merge"`.
    #[serde(default)]
    pub mode: Mode,
    /// Paths to remove from the event; `fields` still sees them. Default none.
    #[serde(default)]
    pub remove: Vec<String>,
}

register_plugin!(Transform, MapConfig, "map", "Reshapes an event by a mapping.");

#[typetag::deserialize(name = "map")]
impl TransformConfig for MapConfig {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Transform>, BuildErrors> {
        let mut findings = Findings::default();
        let trigger = self
            .trigger
            .as_ref()
            .and_then(|text| settings::trigger(text, "trigger", &mut findings));
        let mapping = self.mapping(&mut findings);
        let remove = self.removed(&mut findings);
        if !findings.errors.is_empty() {
            return Err(findings.errors);
        }
        let map = Map {
            trigger,
            mapping,
            mode: self.mode,
            remove,
        };
        Ok(Built::transform(map).warnings(findings.warnings))
    }
}

impl MapConfig {
    fn mapping(&self, findings: &mut Findings) -> Option<Mapping> {
        let read = |file: &std::path::Path| std::fs::read_to_string(file);
        let (fields, at) = match given_fields(
            self.fields.as_ref(),
            self.fields_file.as_deref(),
            "",
            &read,
            findings,
        ) {
            Given::Wrong => return None,
            Given::Fields(fields, at) => (fields.into_owned(), at),
            Given::Nothing => {
                if self.remove.is_empty() || self.mode == Mode::Replace {
                    findings.errors.push(
                        BuildError::new("fields", "nothing would be mapped").help(
                            "for instance: fields = { \"properties.value\" = { \"@path\" = \"$.properties.revenue\" } }",
                        ),
                    );
                }
                return None;
            }
        };
        let Json::Object(fields) = fields else {
            let error = BuildError::new(at, "must be a table of members of the event");
            findings.errors.push(error);
            return None;
        };
        let mut expanded = paths::expand(fields, &at, &mut findings.errors);
        let fields = Json::Object(std::mem::take(&mut expanded.fields));
        let mut found = Findings::default();
        check_names(&fields, &at, &mut found.errors);
        let mapping = settings::mapping(&fields, &at, &mut found);
        for told in found.errors.iter_mut().chain(&mut found.warnings) {
            if let Some(setting) = expanded.setting(&told.path) {
                told.path = setting;
            }
        }
        findings.errors.append(&mut found.errors);
        findings.warnings.append(&mut found.warnings);
        mapping
    }

    fn removed(&self, findings: &mut Findings) -> Vec<Path> {
        if self.mode == Mode::Replace && !self.remove.is_empty() {
            findings.errors.push(
                BuildError::new("remove", "has no place beside mode = \"replace\"")
                    .help("what is not mapped goes anyway; leave it out"),
            );
        }
        for (index, text) in self.remove.iter().enumerate() {
            let at = format!("remove.{index}");
            let path = Path::new(text);
            let steps: Vec<&str> = path.steps().collect();
            match steps[..] {
                [] => findings.errors.push(BuildError::new(at, "is no path")),
                ["messageId" | "type"] => findings.errors.push(BuildError::new(
                    at,
                    "names the event itself and cannot be removed",
                )),
                ["integrations", ..] | ["context"] | ["context", "consent", ..] => findings.warnings.push(
                    BuildError::new(
                        at,
                        "says which destinations an event may go to; without it, it goes to all of them",
                    )
                    .help("keep integrations and context.consent"),
                ),
                _ => {}
            }
        }
        self.remove.iter().map(|text| Path::new(text)).collect()
    }
}

/// Literals that would make events indistinguishable, or none at all.
fn check_names(fields: &Json, path: &str, errors: &mut BuildErrors) {
    let is_literal = |json: &&Json| !json.is_object() && !json.is_array();
    if fields.get("messageId").filter(is_literal).is_some() {
        errors.push(
            BuildError::new(child(path, "messageId"), "would give every event the same id")
                .help("two events with one id count as one: map it to something that differs"),
        );
    }
    if let Some(kind) = fields.get("type").filter(is_literal)
        && kind.as_str().is_none_or(|kind| !TYPES.contains(&kind))
    {
        errors.push(BuildError::new(
            child(path, "type"),
            format!("must be one of {}", TYPES.join(", ")),
        ));
    }
}
