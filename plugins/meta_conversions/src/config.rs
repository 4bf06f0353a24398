//! The settings, as the pipeline file has them.

use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use signalbox_conversions::settings::{self, AccountId, DefaultCountry, MappingConfig, Presets};
use signalbox_conversions::{Conversions, Frames, OptOutPolicy};
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, HumanDuration, Secret, Sink, SinkConfig, SinkDefaults,
    register_plugin,
};
use signalbox_http::bearer;
use signalbox_segment::settings::Findings;

use crate::fields::SPEC;
use crate::frame::{TEST_CODE_LENGTH, TEST_CODE_ROOM, root};
use crate::learnt::Learnt;
use crate::options::{Compat, ExternalId, Meta};

/// Settings of a `meta_conversions` sink.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetaConversionsConfig {
    /// Id of the pixel or dataset, digits only.
    #[schemars(extend("pattern" = "^[0-9]{5,20}$", "examples" = ["1203948576120394"]))]
    pub pixel_id: AccountId,
    /// A token with access to this pixel or dataset.
    pub access_token: Secret,
    /// Version of the Graph API.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// Base URL of the API, without its version.
    #[serde(default = "base_url")]
    pub base_url: String,
    /// Code that shows events in Events Manager's test tool. Meta counts them all the same, so `test_events_count` must say
    /// that this is meant. Default none.
    #[serde(default)]
    pub test_event_code: Option<String>,
    /// Confirms that events with a test code count for targeting and measurement like any other.
    #[serde(default)]
    pub test_events_count: bool,
    /// `partner_agent` of every request, fewer than 23 characters; only if you are a partner of Meta's. Default none.
    #[serde(default)]
    pub partner_agent: Option<String>,
    /// The rules to follow.
    #[serde(default)]
    pub compat: Compat,
    /// Form of `external_id`, which must be the one that the pixel sends.
    #[serde(default)]
    pub external_id: ExternalId,
    /// Treatment of an event under Limited Data Use with neither a state that Meta knows nor an IP address.
    #[serde(default)]
    pub on_incomplete: OptOutPolicy,
    /// Longest time that an event may lie in the future at its arrival; one beyond is rejected.
    #[serde(default = "settings::days::<1>")]
    pub max_future: HumanDuration,
    /// Takes e-mail addresses, phone numbers and secrets out of URLs and search texts. Without effect with `compat = "segment"`.
    #[serde(default = "settings::yes")]
    pub scrub_urls: bool,
    /// The country whose rules read phone numbers and postal codes of events that tell none, such as "DE".
    #[serde(default)]
    pub default_country: DefaultCountry,
    /// Presets that are on: "all", "none" or a list of their names.
    #[serde(default)]
    #[schemars(schema_with = "presets_schema")]
    pub presets: Presets,
    /// Presets changed, and mappings of your own.
    #[serde(default)]
    pub mappings: Vec<MappingConfig>,
}

/// The number of digits of an id.
pub(crate) const DIGITS: RangeInclusive<usize> = 5..=20;

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
        settings::sink(destination, findings, |vendor| {
            let mut declares = settings::declares(vendor, &self.mappings);
            declares.rate_group = Some(self.rate_group(vendor));
            if self.external_id == ExternalId::Sha256Lower {
                declares.reads.push(settings::reads_user_id("external_id"));
            }
            declares
        })
    }

    fn defaults(&self) -> SinkDefaults {
        SinkDefaults {
            integration: Some("Facebook Conversions API (Actions)"),
            max_events: 1000,
            max_events_ceiling: 1000,
            // Meta publishes no limit in bytes.
            max_bytes: 2_000_000,
            concurrency: 4,
            timeout: HumanDuration::from_secs(10),
            // Later events cost quality in the delivery of ads, and after a day they are attributed to none.
            late_after: Some(HumanDuration::from_secs(2 * 60 * 60)),
            unattributed_after: Some(HumanDuration::from_secs(24 * 60 * 60)),
            duplicate_window: Some(HumanDuration::from_secs(48 * 60 * 60)),
            ..SinkDefaults::default()
        }
    }
}

impl MetaConversionsConfig {
    /// Returns the dataset's rate group, since Meta counts the calls of all versions together.
    fn rate_group(&self, vendor: &Meta) -> String {
        let mut url = vendor.url.clone();
        url.set_path("");
        format!("{url}{}", self.pixel_id.0)
    }

    /// Returns the sink without its client; `None` only beside an error.
    pub fn destination(&self, findings: &mut Findings) -> Option<Conversions<Meta>> {
        let vendor = self.vendor(findings);
        let rules = (self.compat.spec(), self.compat.into());
        settings::destination(
            vendor,
            rules,
            (
                &self.presets,
                &self.mappings,
                self.scrub_urls,
                self.default_country,
            ),
            findings,
        )
    }

    /// Returns the vendor as the settings beside mappings say; `None` only beside an error.
    pub fn vendor(&self, findings: &mut Findings) -> Option<Meta> {
        let errors = &mut findings.errors;
        if !self.pixel_id.has_digits(DIGITS) {
            let error = BuildError::new("pixel_id", "must be 5 to 20 digits");
            errors.push(error.help("it stands in Events Manager beside the dataset's name"));
        }
        if !is_version(&self.api_version) {
            let error = BuildError::new("api_version", "is no version of the Graph API");
            errors.push(error.help("write it as \"v26.0\""));
        }
        self.check_body(errors);
        let source = "make one in Events Manager: Settings, Conversions API";
        let place = ("access_token", source);
        let authorization = settings::token_header(&self.access_token, bearer, place, errors);
        let path = [self.api_version.as_str(), &self.pixel_id.0, "events"];
        let url = settings::endpoint(&self.base_url, path, findings);
        let test_code = self.test_event_code.as_deref().map(str::trim);
        let root = root(test_code, self.partner_agent.as_deref());
        Some(Meta {
            compat: self.compat,
            external_id: self.external_id,
            on_incomplete: self.on_incomplete,
            max_future: self.max_future.0,
            test_events_count: self.test_events_count,
            frames: Frames::new(&root, "data", TEST_CODE_ROOM),
            partner_agent: self.partner_agent.clone(),
            url: url?,
            authorization: authorization?,
            learnt: Learnt::default(),
        })
    }

    /// Checks the members of the body beside its events.
    fn check_body(&self, errors: &mut BuildErrors) {
        if let Some(code) = &self.test_event_code {
            if !(1..=TEST_CODE_LENGTH).contains(&code.trim().len()) {
                let message = format!("must have 1 to {TEST_CODE_LENGTH} bytes");
                let error = BuildError::new("test_event_code", message);
                errors.push(error.help("Events Manager shows the code under Test events"));
            }
            if !self.test_events_count {
                let message =
                    "Meta does not throw test events away: they count for targeting and measurement";
                let error = BuildError::new("test_event_code", message);
                errors
                    .push(error.help("set test_events_count = true if that is meant, or leave the code out"));
            }
        }
        if let Some(agent) = &self.partner_agent
            && !is_partner_agent(agent)
        {
            let message = "must be fewer than 23 characters with at least two letters";
            errors.push(
                BuildError::new("partner_agent", message).help("leave it out unless Meta gave you one"),
            );
        }
    }
}

fn is_partner_agent(agent: &str) -> bool {
    let letters = agent.chars().filter(|c| c.is_alphabetic()).count();
    agent.chars().count() < 23 && letters >= 2 && !agent.contains(char::is_control)
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
