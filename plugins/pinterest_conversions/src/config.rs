//! The settings, as the pipeline file has them.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use signalbox_conversions::settings::{self, AccountId, DefaultCountry, MappingConfig, Presets};
use signalbox_conversions::{Conversions, Frames, OptOutPolicy, Spec};
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, HumanDuration, Secret, Sink, SinkConfig, SinkDeclarations,
    SinkDefaults, register_plugin,
};
use signalbox_http::{Url, bearer};
use signalbox_segment::settings::Findings;

use crate::fields::SPEC;
use crate::options::{Compat, LdpHashCase, OnUnknownProperty, Pinterest};
use crate::score::ScoreAccess;

/// The number of digits of an ad account's id.
pub(crate) const DIGITS: RangeInclusive<usize> = 1..=18;

/// The number of events that an advertiser may define (Pinterest's page on event types of one's own).
const MOST_CUSTOM_EVENTS: usize = 15;

/// Settings of a `pinterest_conversions` sink.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinterestConversionsConfig {
    /// Id of the ad account, digits only.
    #[schemars(extend("pattern" = "^[0-9]{1,18}$", "examples" = ["549755885175"]))]
    pub ad_account_id: AccountId,
    /// The conversion access token of this ad account.
    pub conversion_token: Secret,
    /// An OAuth access token with the scope `ads:read`. With it the router fetches Pinterest's event quality score once an
    /// hour, for the page Quality. Deliveries do not depend on it. Default none.
    #[serde(default)]
    pub eqs_token: Option<Secret>,
    /// Base URL of the API, with its version.
    #[serde(default = "base_url")]
    pub base_url: String,
    /// Pinterest checks events and answers as usual, but does not record them.
    #[serde(default)]
    pub test: bool,
    /// The rules to follow.
    #[serde(default)]
    pub compat: Compat,
    /// `partner_name` of every event, `ss-` and a name in lower case; only if Pinterest told you to. Default none.
    #[serde(default)]
    pub partner_name: Option<String>,
    /// `custom_data.np` of every event; only if Pinterest told you to. Default none.
    #[serde(default)]
    pub np: Option<String>,
    /// Hashes of state and country that an event under Limited Data Processing carries.
    #[serde(default)]
    pub ldp_hash_case: LdpHashCase,
    /// Treatment of a whole request that Pinterest refuses over a property it does not know.
    #[serde(default)]
    pub on_unknown_property: OnUnknownProperty,
    /// Treatment of an event whose mapping sets `opt_out_type` to LDP but not both state and country.
    #[serde(default)]
    pub on_incomplete: OptOutPolicy,
    /// Takes e-mail addresses, phone numbers and secrets out of URLs and search texts. Without effect with `compat = "segment"`.
    #[serde(default = "settings::yes")]
    pub scrub_urls: bool,
    /// Names of events that you have defined in Ads Manager, beside Pinterest's own. A mapping's `event_name` may be one of
    /// them; any other name is an error. Not with `compat = "segment"`.
    #[serde(default)]
    #[schemars(extend("examples" = [["book_a_fitting"]]))]
    pub custom_events: Vec<String>,
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

fn base_url() -> String {
    "https://api.pinterest.com/v5".to_owned()
}

fn presets_schema(_: &mut SchemaGenerator) -> Schema {
    Presets::schema(&SPEC)
}

#[typetag::deserialize(name = "pinterest_conversions")]
impl SinkConfig for PinterestConversionsConfig {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Sink>, BuildErrors> {
        let mut findings = Findings::default();
        let destination = self.destination(&mut findings);
        settings::sink(destination, findings, |vendor| SinkDeclarations {
            rate_group: Some(rate_group(&vendor.probe_url)),
            ..settings::declares(vendor, &self.mappings)
        })
    }

    fn defaults(&self) -> SinkDefaults {
        SinkDefaults {
            integration: Some("Pinterest Conversions API"),
            max_events: 1000,
            max_events_ceiling: 1000,
            max_bytes: 2_000_000,
            concurrency: 4,
            calls_per_minute: NonZeroU32::new(5000),
            // Pinterest classes web and app conversions that arrive later as offline ("Track conversions with the API").
            late_after: Some(HumanDuration::from_secs(60 * 60)),
            // Pinterest drops the second event with one name and id for certain only between its tag and this API.
            duplicate_window: Some(HumanDuration::from_secs(24 * 60 * 60)),
            ..SinkDefaults::default()
        }
    }
}

/// Returns the ad account's rate group, since Pinterest counts calls by ad account.
fn rate_group(url: &Url) -> String {
    let mut account = url.clone();
    account.set_query(None);
    let account = account.as_str();
    account.strip_suffix("/events").unwrap_or(account).to_owned()
}

fn is_partner_name(name: &str) -> bool {
    name.strip_prefix("ss-").is_some_and(|rest| !rest.is_empty()) && !name.contains(char::is_uppercase)
}

impl PinterestConversionsConfig {
    /// Returns the sink without its client; `None` only beside an error.
    pub fn destination(&self, findings: &mut Findings) -> Option<Conversions<Pinterest>> {
        let vendor = self.vendor(findings);
        let rules = (self.spec(), self.compat.into());
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

    /// Returns the field table, whose event names include the advertiser's own.
    fn spec(&self) -> &'static Spec {
        match self.compat {
            Compat::Pinterest => SPEC.with_event_names(&self.custom_events),
            Compat::Segment => &SPEC,
        }
    }

    /// Reports names of the advertiser's own events that Pinterest cannot have.
    fn check_custom_events(&self, findings: &mut Findings) {
        if self.compat == Compat::Segment && !self.custom_events.is_empty() {
            let message =
                "Segment's destination sends Pinterest's own names only, and so does compat = \"segment\"";
            let error = BuildError::new("custom_events", message);
            findings
                .errors
                .push(error.help("take it out, or use compat = \"pinterest\""));
        }
        for (index, name) in self.custom_events.iter().enumerate() {
            let message = if name.trim() != name || name.is_empty() {
                "must be a name without blanks around it"
            } else if SPEC.has_event_name(name) {
                "is one of Pinterest's own names, which need no mention"
            } else if self.custom_events[..index].contains(name) {
                "is there already"
            } else {
                continue;
            };
            findings
                .errors
                .push(BuildError::new(format!("custom_events.{index}"), message));
        }
        if self.custom_events.len() > MOST_CUSTOM_EVENTS {
            let message = format!("Pinterest lets an advertiser define at most {MOST_CUSTOM_EVENTS} events");
            findings.warnings.push(BuildError::new("custom_events", message));
        }
    }

    /// Returns the vendor as the settings beside mappings say; `None` only beside an error.
    pub fn vendor(&self, findings: &mut Findings) -> Option<Pinterest> {
        if !self.ad_account_id.has_digits(DIGITS) {
            findings.errors.push(
                BuildError::new("ad_account_id", "must be 1 to 18 digits")
                    .help("it stands in Ads Manager beside the account's name"),
            );
        }
        let authorization = settings::token_header(
            &self.conversion_token,
            bearer,
            (
                "conversion_token",
                "make one in Ads Manager: Conversions, Conversions API",
            ),
            &mut findings.errors,
        );
        let source = "make one with the scope ads:read, or leave it out";
        let scores = self
            .eqs_token
            .as_ref()
            .map(|token| settings::token_header(token, bearer, ("eqs_token", source), &mut findings.errors));
        let path = ["ad_accounts", &self.ad_account_id.0, "events"];
        let url = settings::endpoint(&self.base_url, path, findings);
        let texts = [("partner_name", &self.partner_name), ("np", &self.np)];
        settings::refuse_blank(&texts, &mut findings.errors);
        let partner_name = self.partner_name.as_deref();
        if partner_name.is_some_and(|name| !is_partner_name(name)) {
            let warning = BuildError::new(
                "partner_name",
                "Pinterest asks for \"ss-\" and a name in lower case",
            );
            let help = "leave it out unless Pinterest told you to use it";
            findings.warnings.push(warning.help(help));
        }
        self.check_custom_events(findings);
        let mut probe_url = url.clone()?;
        probe_url.set_query(Some("test=true"));
        let scores = match scores {
            Some(authorization) => {
                let mut url = url.clone()?;
                url.path_segments_mut().ok()?.pop().push("conversion_eqs");
                Some(ScoreAccess::new(url, authorization?))
            }
            None => None,
        };
        Some(Pinterest {
            spec: self.spec(),
            compat: self.compat,
            partner_name: self.partner_name.clone(),
            np: self.np.clone(),
            ldp_hash_case: self.ldp_hash_case,
            on_incomplete: self.on_incomplete,
            on_unknown_property: self.on_unknown_property,
            frames: Frames::new(&[], "data", 0),
            url: if self.test { probe_url.clone() } else { url? },
            probe_url,
            authorization: authorization?,
            scores,
        })
    }
}

register_plugin!(
    Sink,
    PinterestConversionsConfig,
    "pinterest_conversions",
    "Sends conversions to Pinterest's Conversions API."
);
