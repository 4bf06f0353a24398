//! The setting `presets`.

use std::fmt;

use schemars::{Schema, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use signalbox_core::{BuildError, BuildErrors};

use super::check::{not_in, unknown_preset};
use crate::presets::Preset;
use crate::spec::{Compat, Spec};

/// The choice of presets that are on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Presets {
    /// All of them.
    #[default]
    All,
    /// None.
    None,
    /// The presets of these names.
    Some(Vec<String>),
}

impl<'de> Deserialize<'de> for Presets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Presets;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", \"none\" or a list of preset names")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Presets, E> {
                match text {
                    "all" => Ok(Presets::All),
                    "none" => Ok(Presets::None),
                    _ => Err(E::custom("expected \"all\", \"none\" or a list of preset names")),
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Presets, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = access.next_element()? {
                    names.push(name);
                }
                Ok(Presets::Some(names))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

impl Presets {
    /// Returns the JSON schema of the setting.
    pub fn schema(spec: &Spec) -> Schema {
        let names: Vec<&str> = spec.presets.iter().map(|preset| preset.name).collect();
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["all", "none"] },
                { "type": "array", "items": { "type": "string", "examples": names } }
            ]
        })
    }

    pub(super) fn chosen(
        &self,
        spec: &'static Spec,
        compat: Compat,
        errors: &mut BuildErrors,
    ) -> Vec<&'static Preset> {
        match self {
            Presets::All => spec
                .presets
                .iter()
                .filter(|preset| preset.is_default(compat))
                .collect(),
            Presets::None => Vec::new(),
            Presets::Some(names) => {
                let mut chosen: Vec<&'static Preset> = Vec::new();
                for (index, name) in names.iter().enumerate() {
                    match spec.preset(name) {
                        Some(preset) if chosen.contains(&preset) => {
                            errors.push(BuildError::new(
                                format!("presets.{index}"),
                                "this preset is there already",
                            ));
                        }
                        Some(preset) if !preset.is_default(compat) => {
                            let path = format!("presets.{index}");
                            errors.push(not_in(preset, compat, &path).unwrap_or_else(|| no_trigger(&path)));
                        }
                        Some(preset) => chosen.push(preset),
                        None => errors.push(unknown_preset(spec, format!("presets.{index}"), name)),
                    }
                }
                chosen
            }
        }
    }
}

fn no_trigger(path: &str) -> BuildError {
    let error = BuildError::new(path, "this preset listens to no event by itself");
    error.help("add a mapping with this preset and a trigger")
}
