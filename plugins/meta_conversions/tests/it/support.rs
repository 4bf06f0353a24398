//! The sink's side of the golden cases.

use serde_json::{Map, Value as Json, json};
use signalbox_conversions::{Compat, CompiledMapping, Preset, Spec};
use signalbox_core::{BuildContext, BuildErrors, Built, Side, Sink, SinkConfig};
use signalbox_http::Destination;
use signalbox_meta_conversions::{MetaConversionsConfig, SEGMENT_SPEC, SPEC};
use signalbox_segment::settings::Findings;
use signalbox_testkit::golden::{Case, GoldenVendor, conversions};

/// Segment's `facebook-conversions-api`.
pub(crate) struct MetaCases;

/// The field in which Segment keeps the sync mode of an action of the second generation.
const SYNC_MODE: &str = "__segment_internal_sync_mode";

impl GoldenVendor for MetaCases {
    const NAME: &'static str = "meta";
    const ROOT: &'static str = env!("CARGO_MANIFEST_DIR");
    const FOLDER: &'static str = "meta_conversions";
    const ERRORS: &'static [(&'static str, Option<&'static str>, &'static str)] = &[
        ("PayloadValidationError", None, "payload"),
        ("IntegrationError", Some("INVALID_CURRENCY_CODE"), "currency"),
        ("IntegrationError", Some("Misconfigured sync mode"), "sync mode"),
    ];
    const REASONS: &'static [(&'static str, &'static str)] = &[
        ("segment_payload", "payload"),
        ("segment_currency", "currency"),
        ("segment_sync_mode", "sync mode"),
    ];

    fn spec(&self, _: &Case, compat: Compat) -> &'static Spec {
        match compat {
            Compat::Vendor => &SPEC,
            Compat::Segment => &SEGMENT_SPEC,
        }
    }

    fn destination(
        &self,
        case: &Case,
        compat: Compat,
        mappings: Vec<CompiledMapping>,
    ) -> Result<Box<dyn Destination>, String> {
        let named = |name: String| match name.as_str() {
            "pixelId" => "pixel_id".to_owned(),
            "testEventCode" => "test_event_code".to_owned(),
            _ => name,
        };
        let settings = case.settings(&[("pixelId", "1203948576120394")]);
        let mut settings: Map<String, Json> = settings
            .into_iter()
            .map(|(name, value)| (named(name), value))
            .collect();
        settings.insert("access_token".to_owned(), "EAAG_TEST_TOKEN".into());
        let compat = match compat {
            Compat::Vendor => "meta",
            Compat::Segment => "segment",
        };
        settings.insert("test_events_count".to_owned(), true.into());
        settings.insert("compat".to_owned(), compat.into());
        let config = serde_json::from_value::<MetaConversionsConfig>(Json::Object(settings));
        let config = config.map_err(|error| error.to_string())?;
        let mut findings = Findings::default();
        let vendor = config
            .vendor(&mut findings)
            .filter(|_| findings.errors.is_empty());
        Ok(conversions(
            vendor.ok_or_else(|| format!("{:?}", findings.errors))?,
            mappings,
        ))
    }

    fn preset(&self, spec: &'static Spec, name: &str) -> Option<&'static Preset> {
        let first = name.strip_suffix(" V2").unwrap_or(name);
        spec.presets.iter().find(|preset| preset.name == first)
    }

    fn overrides(&self, preset: &str, compat: Compat) -> Map<String, Json> {
        let mut mapping = Map::from_iter([("action_source".to_owned(), json!("website"))]);
        if preset.ends_with(" V2") && compat == Compat::Segment {
            mapping.insert(SYNC_MODE.to_owned(), json!("add"));
        }
        mapping
    }

    fn trigger(&self, preset: &str) -> Option<&'static str> {
        preset.starts_with("Custom Event").then_some("type = \"track\"")
    }
}

/// The settings that every sink needs.
pub(crate) const ACCOUNT: &str = "pixel_id = \"1203948576120394\"\naccess_token = \"EAAG_TEST_TOKEN\"\n";

/// Builds a sink with these settings beside the account.
pub(crate) fn build(more: &str) -> Result<Built<dyn Sink>, BuildErrors> {
    let config: MetaConversionsConfig = toml::from_str(&format!("{ACCOUNT}{more}")).unwrap();
    config.build(&context())
}

pub(crate) fn context() -> BuildContext {
    BuildContext {
        name: "meta".into(),
        place: Side::Sink,
    }
}
