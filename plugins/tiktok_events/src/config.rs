//! The settings, as the pipeline file has them.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use signalbox_conversions::settings::{
    self, AccountId, DefaultCountry, MappingConfig, Presets, token_header,
};
use signalbox_conversions::{Conversions, Doubt, Frames, OptOutPolicy};
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, HumanDuration, Secret, Sha256Hex, Sink, SinkConfig,
    SinkDefaults, register_plugin,
};
use signalbox_http::{Url, secret_value};
use signalbox_segment::settings::Findings;

use crate::fields::WEB_SPEC;
use crate::options::{Compat, EventSource, ExternalIdCase, LONGEST_CODE, TikTok};

/// Settings of a `tiktok_events` sink.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TikTokEventsConfig {
    /// The access token of the Events API.
    pub access_token: Secret,
    /// Where the events happened.
    #[serde(default)]
    pub event_source: EventSource,
    /// Code of the pixel; needed if event_source is "web".
    #[serde(default)]
    pub pixel_code: Option<AccountId>,
    /// TikTok's id of the app; needed if event_source is "app".
    #[serde(default)]
    pub tiktok_app_id: Option<AccountId>,
    /// Id of the offline event set; needed if event_source is "offline".
    #[serde(default)]
    pub offline_event_set_id: Option<AccountId>,
    /// Id of the CRM event set; needed if event_source is "crm", or if a mapping sets it to "crm".
    #[serde(default)]
    pub crm_event_set_id: Option<AccountId>,
    /// Base URL of the API, without its version.
    #[serde(default = "base_url")]
    pub base_url: String,
    /// The rules to follow.
    #[serde(default)]
    pub compat: Compat,
    /// Code of Events Manager that marks all events as tests, which do not count. Default none.
    #[serde(default)]
    pub test_event_code: Option<String>,
    /// `partner_name` of every request; only if TikTok told you to. Default none.
    #[serde(default)]
    pub partner_name: Option<String>,
    /// Letter case in which an external id is hashed; it must be the one of the pixel.
    #[serde(default)]
    pub external_id_case: ExternalIdCase,
    /// Treatment of users who opted out, where TikTok's events cannot say so: offline and CRM events.
    #[serde(default)]
    pub on_unsupported: OptOutPolicy,
    /// Rejects an event without an `event_id`, copies of which TikTok counts twice.
    #[serde(default = "settings::yes")]
    pub require_event_id: bool,
    /// Age from which on an event is rejected. TikTok publishes no limit.
    #[serde(default = "settings::days::<28>")]
    pub max_age: HumanDuration,
    /// Longest time that an event may lie ahead of its arrival; one further ahead is rejected.
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

fn base_url() -> String {
    "https://business-api.tiktok.com".to_owned()
}

fn presets_schema(_: &mut SchemaGenerator) -> Schema {
    Presets::schema(&WEB_SPEC)
}

#[typetag::deserialize(name = "tiktok_events")]
impl SinkConfig for TikTokEventsConfig {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Sink>, BuildErrors> {
        let mut findings = Findings::default();
        let destination = self.destination(&mut findings);
        settings::sink(destination, findings, |vendor| {
            let mut declares = settings::declares(vendor, &self.mappings);
            declares.rate_group = Some(self.rate_group(&vendor.url));
            if self.external_id_case == ExternalIdCase::Lower {
                declares.reads.push(settings::reads_user_id("external_id_case"));
            }
            declares
        })
    }

    fn defaults(&self) -> SinkDefaults {
        SinkDefaults {
            integration: Some(self.integration()),
            max_events: 1000,
            max_events_ceiling: 1000,
            max_bytes: 1_000_000,
            // TikTok recommends to send in real time.
            max_wait: HumanDuration(Duration::from_millis(200)),
            concurrency: 4,
            // A tenth of TikTok's limit, since other senders may share the developer app.
            calls_per_minute: NonZeroU32::new(6000),
            late_after: None,
            // TikTok drops the second event with one source, name and id for two days.
            duplicate_window: Some(HumanDuration::from_secs(48 * 60 * 60)),
            ..SinkDefaults::default()
        }
    }
}

impl TikTokEventsConfig {
    /// Returns the rate group of the developer app, by which TikTok counts calls. Its token stands for it, as a fingerprint.
    fn rate_group(&self, url: &Url) -> String {
        let fingerprint = Sha256Hex::of(self.access_token.expose());
        format!("{url} {}", &fingerprint.as_str()[..12])
    }

    /// The name of Segment's destination, by which the client's SDK switches it off.
    fn integration(&self) -> &'static str {
        match self.event_source {
            EventSource::Web | EventSource::Crm => "TikTok Conversions",
            EventSource::App => "TikTok App Events",
            EventSource::Offline => "TikTok Offline Conversions",
        }
    }

    /// Returns the sink without its client; `None` only beside an error.
    pub fn destination(&self, findings: &mut Findings) -> Option<Conversions<TikTok>> {
        let vendor = self.vendor(findings);
        let rules = (self.event_source.layout().spec, self.compat.into());
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
    pub fn vendor(&self, findings: &mut Findings) -> Option<TikTok> {
        let url = settings::endpoint(
            &self.base_url,
            ["open_api", "v1.3", "event", "track", ""],
            findings,
        );
        let errors = &mut findings.errors;
        let source = "make one in Events Manager, in the settings of the pixel or event set";
        let access_token = token_header(&self.access_token, secret_value, ("access_token", source), errors);
        if self.compat == Compat::Segment && self.event_source == EventSource::Crm {
            let error = BuildError::new("event_source", "at Segment, the mapping chooses web or crm");
            errors
                .push(error.help("set \"web\" here, and the field event_source of the mappings to \"crm\""));
        }
        let (code, partner) = (&self.test_event_code, &self.partner_name);
        settings::refuse_blank(&[("test_event_code", code), ("partner_name", partner)], errors);
        if self.max_age.0.is_zero() {
            errors
                .push(BuildError::new("max_age", "must be longer than 0 seconds").help("the default is 28d"));
        }
        if self.test_event_code.is_some() {
            let warning = BuildError::new("test_event_code", "TikTok counts none of these events");
            let warning = warning.help("take it out before production");
            findings.warnings.push(warning);
        }
        if self.event_source == EventSource::Crm && matches!(self.presets, Presets::All) {
            let message = "have standard names, which TikTok refuses for CRM events";
            let warning = BuildError::new("presets", message);
            let warning = warning.help("set \"none\", and write mappings that name the event");
            findings.warnings.push(warning);
        }
        let event_source_id = self.event_source_id(findings);
        let crm = self.crm_event_set_id.as_ref().map(|id| self.id(id));
        let event_source_id = event_source_id?;
        let more = crm.as_ref().map_or(0, String::len);
        let (source, id) = (self.event_source, event_source_id.as_str());
        let root = source.root(id, code.as_deref(), partner.as_deref());
        Some(TikTok {
            compat: self.compat,
            event_source: self.event_source,
            frames: Frames::new(&root, "data", LONGEST_CODE + more),
            event_source_id,
            crm_event_set_id: crm,
            test_event_code: code.clone(),
            partner_name: partner.clone(),
            external_id_case: self.external_id_case,
            on_unsupported: self.on_unsupported,
            require_event_id: self.require_event_id,
            max_age: self.max_age.0,
            max_future: self.max_future.0,
            doubt: Doubt::default(),
            url: url?,
            access_token: access_token?,
        })
    }

    /// Returns an id without the blanks around it, which `compat = "segment"` keeps.
    fn id(&self, id: &AccountId) -> String {
        match self.compat {
            Compat::Tiktok => id.0.trim().to_owned(),
            Compat::Segment => id.0.clone(),
        }
    }

    /// The ids with their settings and sources.
    fn ids(&self) -> [(&'static str, &Option<AccountId>, EventSource); 4] {
        use EventSource::{App, Crm, Offline, Web};
        [
            ("pixel_code", &self.pixel_code, Web),
            ("tiktok_app_id", &self.tiktok_app_id, App),
            ("offline_event_set_id", &self.offline_event_set_id, Offline),
            ("crm_event_set_id", &self.crm_event_set_id, Crm),
        ]
    }

    fn event_source_id(&self, findings: &mut Findings) -> Option<String> {
        let source = self.event_source.name();
        let mut found = None;
        for (setting, id, of) in self.ids() {
            let id = id.as_ref().filter(|id| !id.0.trim().is_empty());
            if id.is_some_and(|id| id.0.trim().contains(char::is_whitespace)) {
                let error = BuildError::new(setting, "holds blanks, which no id has");
                findings.errors.push(error.help("Events Manager shows it"));
            }
            // Mappings of web events may say that an event is one of the CRM.
            let may_be_used = of == EventSource::Crm && self.event_source == EventSource::Web;
            match id {
                _ if of == self.event_source => found = Some((setting, id)),
                Some(_) if !may_be_used => {
                    let message = format!("has no effect, since event_source is {source}");
                    findings.warnings.push(BuildError::new(setting, message));
                }
                _ => {}
            }
        }
        let (setting, id) = found?;
        if id.is_none() {
            let error = BuildError::new(setting, format!("is needed, since event_source is {source}"));
            findings.errors.push(error.help("Events Manager shows it"));
        }
        Some(self.id(id?))
    }
}

register_plugin!(
    Sink,
    TikTokEventsConfig,
    "tiktok_events",
    "Sends conversions to TikTok's Events API."
);
