//! The sink's side of the golden cases.

use serde_json::{Map, Value as Json, json};
use signalbox_conversions::{Compat, CompiledMapping, Spec};
use signalbox_core::{BuildContext, BuildErrors, Built, Side, Sink, SinkConfig};
use signalbox_http::Destination;
use signalbox_segment::settings::Findings;
use signalbox_testkit::golden::{Case, GoldenVendor, conversions};
use signalbox_tiktok_events::{APP_SPEC, OFFLINE_SPEC, TikTokEventsConfig, WEB_SPEC};

/// Segment's `tiktok-conversions`, `tiktok-app-events` and `tiktok-offline-conversions`.
pub(crate) struct TikTokCases;

/// A destination of Segment's: our event source, its table, and the id's names there and here with the usual value.
struct Destinations {
    source: &'static str,
    spec: &'static Spec,
    id: [&'static str; 3],
}

fn of(case: &Case) -> Destinations {
    match case.destination.as_deref() {
        Some("tiktok-app-events") => Destinations {
            source: "app",
            spec: &APP_SPEC,
            id: ["appID", "tiktok_app_id", "7123456789012345678"],
        },
        Some("tiktok-offline-conversions") => Destinations {
            source: "offline",
            spec: &OFFLINE_SPEC,
            id: ["eventSetID", "offline_event_set_id", "7198765432109876543"],
        },
        _ => Destinations {
            source: "web",
            spec: &WEB_SPEC,
            id: ["pixelCode", "pixel_code", "C4WILDROSE0HOME00001"],
        },
    }
}

impl GoldenVendor for TikTokCases {
    const NAME: &'static str = "tiktok";
    const ROOT: &'static str = env!("CARGO_MANIFEST_DIR");
    const FOLDER: &'static str = "tiktok_events";
    const ERRORS: &'static [(&'static str, Option<&'static str>, &'static str)] =
        &[("PayloadValidationError", None, "payload")];
    const REASONS: &'static [(&'static str, &'static str)] = &[
        ("segment_content_id", "payload"),
        ("segment_no_identifier", "payload"),
    ];

    fn spec(&self, case: &Case, _: Compat) -> &'static Spec {
        of(case).spec
    }

    fn destination(
        &self,
        case: &Case,
        compat: Compat,
        mappings: Vec<CompiledMapping>,
    ) -> Result<Box<dyn Destination>, String> {
        let Destinations {
            source,
            id: [theirs, ours, usual],
            ..
        } = of(case);
        let given = case.settings(&[("accessToken", "tt_TEST_TOKEN"), (theirs, usual)]);
        let mut settings = Map::from_iter([
            ("event_source".to_owned(), source.into()),
            (
                "compat".to_owned(),
                json!(if compat == Compat::Segment {
                    "segment"
                } else {
                    "tiktok"
                }),
            ),
            ("partner_name".to_owned(), "Segment".into()),
            // Segment sends the event of a user who opted out.
            ("on_unsupported".to_owned(), "send".into()),
        ]);
        for (name, value) in given {
            let name = if name == theirs {
                ours.to_owned()
            } else {
                name.replace("accessToken", "access_token")
            };
            settings.insert(name, value);
        }
        let config: TikTokEventsConfig =
            serde_json::from_value(Json::Object(settings)).map_err(|error| error.to_string())?;
        let mut findings = Findings::default();
        match config.vendor(&mut findings) {
            Some(vendor) if findings.errors.is_empty() => Ok(conversions(vendor, mappings)),
            _ => Err(format!("{:?}", findings.errors)),
        }
    }
}

/// Builds a sink with these settings beside the token.
pub(crate) fn build(settings: &str) -> Result<Built<dyn Sink>, BuildErrors> {
    let config: TikTokEventsConfig =
        toml::from_str(&format!("access_token = \"tt_TEST_TOKEN\"\n{settings}")).unwrap();
    config.build(&context())
}

pub(crate) fn context() -> BuildContext {
    BuildContext {
        name: "tiktok".into(),
        place: Side::Sink,
    }
}
