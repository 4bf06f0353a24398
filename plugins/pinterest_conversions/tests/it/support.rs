//! Encoders with chosen settings, and the sink's side of the golden cases.

use serde_json::Value as Json;
use signalbox_conversions::{Compat, CompiledMapping, Encoder, OptOutPolicy, Spec};
use signalbox_core::{BuildContext, Record, Side, SinkConfig};
use signalbox_http::Destination;
use signalbox_pinterest_conversions::{LdpHashCase, Pinterest, PinterestConversionsConfig, SPEC};
use signalbox_segment::settings::Findings;
use signalbox_testkit::golden::{Case, GoldenVendor, conversions};

/// The settings that shape a record.
#[derive(Clone, Default)]
pub(crate) struct EncodeOptions {
    pub(crate) compat: Compat,
    pub(crate) partner_name: Option<String>,
    pub(crate) np: Option<String>,
    pub(crate) ldp_hash_case: LdpHashCase,
    pub(crate) on_incomplete: OptOutPolicy,
}

/// The vendor with these settings. The account does not matter.
fn vendor(options: EncodeOptions) -> Pinterest {
    let settings = serde_json::json!({ "ad_account_id": "1", "conversion_token": "pina_TEST_TOKEN" });
    let mut config: PinterestConversionsConfig = serde_json::from_value(settings).unwrap();
    config.compat = match options.compat {
        Compat::Vendor => signalbox_pinterest_conversions::Compat::Pinterest,
        Compat::Segment => signalbox_pinterest_conversions::Compat::Segment,
    };
    config.partner_name = options.partner_name;
    config.np = options.np;
    config.ldp_hash_case = options.ldp_hash_case;
    config.on_incomplete = options.on_incomplete;
    config.vendor(&mut Findings::default()).unwrap()
}

/// An encoder with these settings and mappings.
pub(crate) fn with_mappings(options: EncodeOptions, mappings: Vec<CompiledMapping>) -> Encoder<Pinterest> {
    Encoder::new(vendor(options), mappings).unwrap()
}

/// Segment's `pinterest-conversions`.
pub(crate) struct PinterestCases;

impl GoldenVendor for PinterestCases {
    const NAME: &'static str = "pinterest";
    const ROOT: &'static str = env!("CARGO_MANIFEST_DIR");
    const FOLDER: &'static str = "pinterest";
    const ERRORS: &'static [(&'static str, Option<&'static str>, &'static str)] = &[
        (
            "IntegrationError",
            Some("Misconfigured required field"),
            "identifier",
        ),
        ("PayloadValidationError", None, "languages"),
        ("EmptyValueError", None, "empty value"),
    ];
    const REASONS: &'static [(&'static str, &'static str)] = &[
        ("no_identifier", "identifier"),
        ("segment_languages", "languages"),
        ("segment_empty_value", "empty value"),
    ];
    const REFUSES_LISTS: bool = false;

    fn spec(&self, _: &Case, _: Compat) -> &'static Spec {
        &SPEC
    }

    fn destination(
        &self,
        case: &Case,
        compat: Compat,
        mappings: Vec<CompiledMapping>,
    ) -> Result<Box<dyn Destination>, String> {
        // Building the sink takes longer than everything else.
        if case.has_settings() {
            let usual = [
                ("ad_account_id", "549755885175"),
                ("conversion_token", "pina_TEST_TOKEN"),
            ];
            let settings = Json::Object(case.settings(&usual));
            let config: PinterestConversionsConfig =
                serde_json::from_value(settings).map_err(|error| error.to_string())?;
            let context = BuildContext {
                name: "pin".into(),
                place: Side::Sink,
            };
            let built = config.build(&context);
            built.map(drop).map_err(|errors| format!("{errors:?}"))?;
        }
        let options = EncodeOptions {
            compat,
            partner_name: Some("ss-segment".into()),
            np: Some("ss-segment".into()),
            // Segment sends it, without a word.
            on_incomplete: OptOutPolicy::Send,
            ..EncodeOptions::default()
        };
        Ok(conversions(vendor(options), mappings))
    }
}

pub(crate) fn body(record: &Record) -> Json {
    serde_json::from_slice(&record.bytes).unwrap()
}
