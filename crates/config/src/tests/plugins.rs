//! A source, a transform and a sink with settings of every shape plugins use.

#![allow(
    dead_code,
    reason = "the tests look at the settings through Debug, which the lint does not count"
)]

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, HumanDuration, Secret, Sink, SinkConfig, SinkDefaults,
    Source, SourceConfig, Transform, TransformConfig, register_plugin,
};

fn nothing_to_build<T>() -> Result<T, BuildErrors> {
    Err(vec![BuildError::new("", "this plugin is only configured")])
}

/// Takes events from nowhere.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbeSource {
    /// The keys accepted.
    #[serde(default)]
    pub(super) write_keys: Vec<Secret>,
    /// The port.
    pub(super) port: Option<u16>,
    /// The address.
    pub(super) listen: Option<String>,
}

#[typetag::deserialize(name = "probe_source")]
impl SourceConfig for ProbeSource {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Source>, BuildErrors> {
        nothing_to_build()
    }
}

register_plugin!(Source, ProbeSource, "probe_source", "Takes events from nowhere.");

/// Reads from one machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbeReader {}

#[typetag::deserialize(name = "probe_reader")]
impl SourceConfig for ProbeReader {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Source>, BuildErrors> {
        nothing_to_build()
    }

    fn is_shared(&self) -> bool {
        false
    }
}

register_plugin!(Source, ProbeReader, "probe_reader", "Reads from one machine.");

/// Changes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbeTransform {
    /// Which rules.
    #[serde(default)]
    pub(super) rules: Rules,
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rules {
    /// The vendor's.
    #[default]
    Pinterest,
    /// None.
    Nothing,
}

#[typetag::deserialize(name = "probe_transform")]
impl TransformConfig for ProbeTransform {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Transform>, BuildErrors> {
        nothing_to_build()
    }
}

register_plugin!(Transform, ProbeTransform, "probe_transform", "Changes nothing.");

/// Delivers nowhere.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbeSink {
    /// The account events are delivered to. See the vendor's page.
    pub(super) account: String,
    /// The token.
    pub(super) token: Option<Secret>,
    /// Test mode.
    #[serde(default)]
    pub(super) test: bool,
    /// A factor.
    pub(super) factor: Option<f64>,
    /// A duration.
    pub(super) linger: Option<HumanDuration>,
    /// Mappings.
    #[serde(default)]
    pub(super) mappings: Vec<Mapping>,
    /// A value whose conversion repeats its input in the error.
    #[serde(default, deserialize_with = "repeating")]
    #[schemars(with = "Option<String>")]
    pub(super) careless: Option<u8>,
}

/// One mapping.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    /// Its name.
    pub(super) name: String,
    /// Its fields.
    #[serde(default)]
    pub(super) fields: Vec<String>,
    /// The reaction to a failure.
    pub(super) otherwise: Option<Otherwise>,
    /// When it applies.
    pub(super) trigger: Option<Trigger>,
}

/// An internally tagged enum, whose inside serde buffers.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "on", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Trigger {
    /// A tracked event.
    Track {
        /// Its name.
        event: String,
    },
    /// A page.
    Page {
        /// Its number.
        number: u16,
    },
}

/// An enum with data.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Otherwise {
    /// Leaves it out.
    Omit,
    /// Another value.
    Value {
        /// The value.
        text: String,
    },
}

fn repeating<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(error) => Err(serde::de::Error::custom(format!("cannot use {text}: {error}"))),
    }
}

#[typetag::deserialize(name = "probe_sink")]
impl SinkConfig for ProbeSink {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Sink>, BuildErrors> {
        nothing_to_build()
    }

    fn defaults(&self) -> SinkDefaults {
        SinkDefaults {
            max_events_ceiling: 1000,
            max_bytes: 2_000_000,
            concurrency: 4,
            retry_for: HumanDuration::from_secs(3600),
            ..SinkDefaults::default()
        }
    }
}

register_plugin!(Sink, ProbeSink, "probe_sink", "Delivers nowhere.");
