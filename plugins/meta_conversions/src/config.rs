//! The settings, as the pipeline file has them.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use signalbox_conversions::settings::{self, AccountId, MappingConfig, Presets};
use signalbox_conversions::{Conversions, Encoder, Frames, Spec};
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, HumanDuration, Secret, Sink, SinkConfig, SinkDeclarations,
    SinkDefaults, register_plugin,
};
use signalbox_http::{ClientOptions, HttpSink, bearer};
use signalbox_segment::settings::Findings;

use crate::fields::{SEGMENT_SPEC, SPEC};
use crate::frame::{OPEN, TEST_CODE_LENGTH, TEST_CODE_ROOM, closing};
use crate::options::{Compat, Meta};

/// Settings of a `meta_conversions` sink.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetaConversionsConfig {
    /// Id of the pixel or dataset, digits only.
    pub pixel_id: AccountId,
    /// The access token of this pixel or dataset.
    pub access_token: Secret,
    /// Version of the Graph API.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// Base URL of the API.
    #[serde(default = "base_url")]
    pub base_url: String,
    /// Code of the test tool in Events Manager, which shows the events. Meta counts them all the same.
    #[serde(default)]
    pub test_event_code: Option<String>,
    /// The rules to follow.
    #[serde(default)]
    pub compat: Compat,
    /// Presets that are on: "all", "none" or a list of their names.
    #[serde(default)]
    #[schemars(schema_with = "presets_schema")]
    pub presets: Presets,
    /// Presets changed, and mappings of your own.
    #[serde(default)]
    pub mappings: Vec<MappingConfig>,
}

/// Lengths that the id of a pixel or dataset can have.
pub(crate) const DIGITS: RangeInclusive<usize> = 1..=20;

fn api_version() -> String {
    "v26.0".to_owned()
}

fn base_url() -> String {
    "https://graph.facebook.com".to_owned()
}

fn presets_schema(_: &mut SchemaGenerator) -> Schema {
    Presets::schema(&SPEC)
}

#[typetag::deserialize(name = "meta_conversions")]
impl SinkConfig for MetaConversionsConfig {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Sink>, BuildErrors> {
        let mut findings = Findings::default();
        let destination = self.destination(&mut findings);
        let Some(destination) = destination.filter(|_| findings.errors.is_empty()) else {
            return Err(findings.errors);
        };
        let url = destination.encoder().vendor().url.as_str();
        let declares = SinkDeclarations {
            // Meta counts the calls of a dataset.
            rate_group: Some(url.strip_suffix("/events").unwrap_or(url).to_owned()),
            ..settings::declares(self.spec(), self.compat.into(), &self.mappings)
        };
        match HttpSink::new(destination, &ClientOptions::default()) {
            Ok(sink) => Ok(Built::sink(sink).warnings(findings.warnings).declares(declares)),
            Err(error) => Err(vec![BuildError::new("", error.to_string())]),
        }
    }

    fn defaults(&self) -> SinkDefaults {
        SinkDefaults {
            integration: Some("Facebook Conversions API (Actions)"),
            max_events: 1000,
            max_events_ceiling: 1000,
            max_bytes: 2_000_000,
            concurrency: 4,
            calls_per_minute: NonZeroU32::new(3000),
            // Events that arrive later are worth less for the delivery of ads.
            late_after: Some(HumanDuration::from_secs(2 * 60 * 60)),
            duplicate_window: Some(HumanDuration::from_secs(48 * 60 * 60)),
            ..SinkDefaults::default()
        }
    }
}

impl MetaConversionsConfig {
    fn spec(&self) -> &'static Spec {
        match self.compat {
            Compat::Meta => &SPEC,
            Compat::Segment => &SEGMENT_SPEC,
        }
    }

    /// Returns the sink without its client; `None` only beside an error.
    pub fn destination(&self, findings: &mut Findings) -> Option<Conversions<Meta>> {
        let vendor = self.vendor(findings);
        let compat = self.compat.into();
        let mappings = settings::sink_mappings(self.spec(), &self.presets, &self.mappings, compat, findings);
        match Encoder::new(vendor?, mappings) {
            Ok(encoder) => Some(Conversions::new(encoder)),
            Err(error) => {
                findings.errors.push(BuildError::new("", error));
                None
            }
        }
    }

    /// Returns the vendor as the settings beside mappings say; `None` only beside an error.
    pub fn vendor(&self, findings: &mut Findings) -> Option<Meta> {
        let errors = &mut findings.errors;
        if !self.pixel_id.has_digits(DIGITS) {
            let error = BuildError::new("pixel_id", "must be 1 to 20 digits");
            errors.push(error.help("it stands in Events Manager beside the dataset's name"));
        }
        if !is_version(&self.api_version) {
            let error = BuildError::new("api_version", "is no version of the Graph API");
            errors.push(error.help("write it as \"v26.0\""));
        }
        let place = (
            "access_token",
            "make one in Events Manager: Settings, Conversions API, Generate access token",
        );
        let authorization = settings::token_header(&self.access_token, bearer, place, errors);
        let path = [self.api_version.as_str(), &self.pixel_id.0, "events"];
        let url = settings::endpoint(&self.base_url, path, errors);
        let code = self.test_event_code.as_deref().unwrap_or_default();
        if code.len() > TEST_CODE_LENGTH {
            errors.push(BuildError::new(
                "test_event_code",
                "must not be longer than 64 bytes",
            ));
        }
        Some(Meta {
            compat: self.compat,
            frames: Frames::new(OPEN, &closing(code), TEST_CODE_ROOM),
            url: url?,
            authorization: authorization?,
        })
    }
}

/// Returns true for `v`, the number, and `.0`.
fn is_version(version: &str) -> bool {
    let number = version.strip_prefix('v').and_then(|rest| rest.strip_suffix(".0"));
    number.is_some_and(|number| (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()))
}

register_plugin!(
    Sink,
    MetaConversionsConfig,
    "meta_conversions",
    "Sends conversions to Meta's Conversions API."
);
