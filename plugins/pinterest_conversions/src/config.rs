//! The settings, as the pipeline file has them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, HumanDuration, PlainRead, Secret, Sha256Hex, Sink,
    SinkConfig, SinkDeclarations, SinkDefaults, register_plugin,
};
use signalbox_http::{ClientOptions, HttpSink, Url, bearer, parse_url};
use signalbox_segment::settings::{Findings, child, template_reads, trigger_reads};

use crate::action::{PRESETS, Preset, preset};
use crate::encode::{EncodeOptions, Encoder};
use crate::mapping_config::{self, MappingConfig, unknown_preset};
use crate::options::{Compat, LdpHashCase, OnIncomplete, OnUnknownProperty};
use crate::sink::PinterestConversions;
use signalbox_conversions::encode::StrippedFields;

/// Settings of a `pinterest_conversions` sink.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinterestConversionsConfig {
    /// Id of the ad account, digits only.
    pub ad_account_id: AdAccountId,
    /// The conversion access token of this ad account.
    pub conversion_token: Secret,
    /// Where the API is.
    #[serde(default = "base_url")]
    pub base_url: String,
    /// Pinterest checks events and answers as usual, but does not record them.
    #[serde(default)]
    pub test: bool,
    /// Whose rules are followed.
    #[serde(default)]
    pub compat: Compat,
    /// `partner_name` of every event, `ss-` and a name in lower case; only if Pinterest told you to. Default none.
    #[serde(default)]
    pub partner_name: Option<String>,
    /// `custom_data.np` of every event; only if Pinterest told you to. Default none.
    #[serde(default)]
    pub np: Option<String>,
    /// Which hashes of state and country an event under Limited Data Processing carries.
    #[serde(default)]
    pub ldp_hash_case: LdpHashCase,
    /// What to do when Pinterest refuses a whole request over a property it does not know.
    #[serde(default)]
    pub on_unknown_property: OnUnknownProperty,
    /// What to do with an event whose mapping sets `opt_out_type` to LDP but not both state and country.
    #[serde(default)]
    pub on_incomplete: OnIncomplete,
    /// Which presets are on: "all", "none" or a list of their names.
    #[serde(default)]
    pub presets: Presets,
    /// Presets changed, and mappings of your own.
    #[serde(default)]
    pub mappings: Vec<MappingConfig>,
}

fn base_url() -> String {
    "https://api.pinterest.com/v5".to_owned()
}

/// Id of an ad account: text, or a number that is written without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdAccountId(pub String);

impl AdAccountId {
    /// Digits only, at most 18.
    pub(crate) fn is_well_formed(&self) -> bool {
        (1..=18).contains(&self.0.len()) && self.0.bytes().all(|b| b.is_ascii_digit())
    }
}

impl<'de> Deserialize<'de> for AdAccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;
        impl Visitor<'_> for Id {
            type Value = AdAccountId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id of an ad account, such as \"549755885175\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<AdAccountId, E> {
                Ok(AdAccountId(text.to_owned()))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<AdAccountId, E> {
                Ok(AdAccountId(number.to_string()))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<AdAccountId, E> {
                Ok(AdAccountId(number.to_string()))
            }
        }
        deserializer.deserialize_any(Id)
    }
}

impl JsonSchema for AdAccountId {
    fn schema_name() -> Cow<'static, str> {
        "AdAccountId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "pattern": "^[0-9]{1,18}$", "examples": ["549755885175"] })
    }
}

/// Which presets are on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Presets {
    /// All sixteen.
    #[default]
    All,
    /// None.
    None,
    /// Those of these names.
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

impl JsonSchema for Presets {
    fn schema_name() -> Cow<'static, str> {
        "Presets".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["all", "none"] },
                { "type": "array", "items": { "type": "string", "examples": names } }
            ]
        })
    }
}

impl Presets {
    fn chosen(&self, errors: &mut BuildErrors) -> Vec<&'static Preset> {
        match self {
            Presets::All => PRESETS.iter().collect(),
            Presets::None => Vec::new(),
            Presets::Some(names) => {
                let mut chosen: Vec<&'static Preset> = Vec::new();
                for (index, name) in names.iter().enumerate() {
                    match preset(name) {
                        Some(preset) if chosen.contains(&preset) => {
                            errors.push(BuildError::new(
                                format!("presets.{index}"),
                                "this preset is there already",
                            ));
                        }
                        Some(preset) => chosen.push(preset),
                        None => errors.push(unknown_preset(format!("presets.{index}"), name)),
                    }
                }
                chosen
            }
        }
    }
}

#[typetag::deserialize(name = "pinterest_conversions")]
impl SinkConfig for PinterestConversionsConfig {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Sink>, BuildErrors> {
        let mut findings = Findings::default();
        let destination = self.destination(&mut findings);
        let Some(destination) = destination.filter(|_| findings.errors.is_empty()) else {
            return Err(findings.errors);
        };
        let declares = SinkDeclarations {
            rate_group: Some(rate_group(&destination.probe_url)),
            hashing_rules: Some(match self.compat {
                Compat::Pinterest => "pinterest",
                Compat::Segment => "segment",
            }),
            mappings: self.fingerprints(),
            reads: self.reads(),
        };
        match HttpSink::new(destination, &ClientOptions::default()) {
            Ok(sink) => Ok(Built::sink(sink).warnings(findings.warnings).declares(declares)),
            Err(error) => Err(vec![BuildError::new("", error.to_string())]),
        }
    }

    fn defaults(&self) -> SinkDefaults {
        SinkDefaults {
            integration: Some("Pinterest Conversions API"),
            max_events: 1000,
            max_events_ceiling: 1000,
            max_bytes: 2_000_000,
            // A second fills batches, and is short against the hour within which Pinterest matches.
            max_wait: HumanDuration::from_secs(1),
            concurrency: 4,
            calls_per_minute: Some(5000),
            timeout: HumanDuration::from_secs(30),
            retry_for: HumanDuration::from_secs(24 * 60 * 60),
            // Pinterest classes web and app conversions that arrive later as offline ("Track conversions with the API").
            late_after: Some(HumanDuration::from_secs(60 * 60)),
            // Pinterest drops the second event with one name and id for certain only between its tag and this API.
            duplicate_window: Some(HumanDuration::from_secs(24 * 60 * 60)),
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
    /// The sink without its client; `None` only beside an error.
    pub(crate) fn destination(&self, findings: &mut Findings) -> Option<PinterestConversions> {
        if !self.ad_account_id.is_well_formed() {
            findings.errors.push(
                BuildError::new("ad_account_id", "must be 1 to 18 digits")
                    .help("it stands in Ads Manager beside the account's name"),
            );
        }
        let authorization = self.authorization(&mut findings.errors);
        let url = self.url(&mut findings.errors);
        for (path, value) in [("partner_name", &self.partner_name), ("np", &self.np)] {
            if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
                findings
                    .errors
                    .push(BuildError::new(path, "must not be empty").help("leave it out"));
            }
        }
        let presets = self.presets.chosen(&mut findings.errors);
        let mappings = mapping_config::compile(&presets, &self.mappings, self.compat, findings);
        if mappings.is_empty() && findings.errors.is_empty() {
            let warning = BuildError::new(
                "presets",
                "no preset and no mapping is on, so nothing is ever sent",
            );
            findings
                .warnings
                .push(warning.help("take presets out, which switches all on, or add mappings"));
        }
        if self
            .partner_name
            .as_ref()
            .is_some_and(|name| !is_partner_name(name))
        {
            let warning = BuildError::new(
                "partner_name",
                "Pinterest asks for \"ss-\" and a name in lower case",
            );
            findings
                .warnings
                .push(warning.help("leave it out unless Pinterest told you to use it"));
        }
        let encoder = match Encoder::new(self.encode_options(), mappings) {
            Ok(encoder) => encoder,
            Err(error) => {
                findings.errors.push(BuildError::new("", error.to_string()));
                return None;
            }
        };
        let mut probe_url = url.clone()?;
        probe_url.set_query(Some("test=true"));
        let url = if self.test { probe_url.clone() } else { url? };
        Some(PinterestConversions {
            encoder,
            url,
            probe_url,
            authorization: authorization?,
            on_unknown_property: self.on_unknown_property,
            learned: StrippedFields::default(),
        })
    }

    /// The enabled mappings by name, each with a fingerprint.
    fn fingerprints(&self) -> Vec<(String, String)> {
        let one = |mapping: &MappingConfig| {
            let name = mapping.name.clone().or_else(|| mapping.preset.clone())?;
            let what = MappingConfig {
                name: None,
                ..mapping.clone()
            };
            Some((name, Sha256Hex::of(&format!("{what:?}")).as_str().to_owned()))
        };
        self.mappings
            .iter()
            .filter(|mapping| mapping.enabled)
            .filter_map(one)
            .collect()
    }

    /// The values of the event that enabled mappings compare or write into texts.
    fn reads(&self) -> Vec<PlainRead> {
        let enabled = self
            .mappings
            .iter()
            .enumerate()
            .filter(|(_, mapping)| mapping.enabled);
        enabled
            .flat_map(|(index, mapping)| {
                let path = format!("mappings.{index}");
                let trigger = mapping.trigger.as_deref().unwrap_or_default();
                let fields = mapping.fields.iter().flat_map({
                    let path = format!("{path}.fields");
                    move |(key, value)| template_reads(value, &child(&path, key))
                });
                trigger_reads(trigger, &format!("{path}.trigger"))
                    .into_iter()
                    .chain(fields)
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn encode_options(&self) -> EncodeOptions {
        EncodeOptions {
            compat: self.compat,
            partner_name: self.partner_name.clone(),
            np: self.np.clone(),
            ldp_hash_case: self.ldp_hash_case,
            on_incomplete: self.on_incomplete,
        }
    }

    fn authorization(&self, errors: &mut BuildErrors) -> Option<signalbox_http::HeaderValue> {
        let token = self.conversion_token.expose();
        let error = |message: &str| BuildError::new("conversion_token", message);
        if token.trim().is_empty() {
            errors.push(
                error("must not be empty").help("make one in Ads Manager: Conversions, Conversions API"),
            );
            return None;
        }
        let header = bearer(&self.conversion_token).filter(|_| !token.contains(char::is_whitespace));
        if header.is_none() {
            errors.push(
                error("holds blanks, line breaks or other characters that no token has")
                    .help("a file read with ${file:…} may end in a line break"),
            );
        }
        header
    }

    fn url(&self, errors: &mut BuildErrors) -> Option<Url> {
        let mut url = match parse_url(&self.base_url) {
            Ok(url) => url,
            Err(error) => {
                errors.push(BuildError::new("base_url", error.to_string()));
                return None;
            }
        };
        if url.query().is_some() {
            errors.push(BuildError::new("base_url", "must not have a query (\"?…\")"));
            return None;
        }
        match url.path_segments_mut() {
            Ok(mut path) => {
                path.pop_if_empty()
                    .extend(["ad_accounts", &self.ad_account_id.0, "events"]);
            }
            Err(()) => {
                errors.push(BuildError::new("base_url", "cannot have a path behind it"));
                return None;
            }
        }
        Some(url)
    }
}

register_plugin!(
    Sink,
    PinterestConversionsConfig,
    "pinterest_conversions",
    "Sends conversions to Pinterest's Conversions API."
);
