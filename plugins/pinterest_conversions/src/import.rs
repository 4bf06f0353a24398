//! The settings of a Pinterest destination of Segment's.

use serde_json::{Map, Value as Json};
use signalbox_conversions::import::{Import, toml_text};
use signalbox_conversions::settings::AccountId;
use signalbox_core::{ImportError, Imported, register_segment_import};

use crate::config::DIGITS;
use crate::fields::SPEC;

register_segment_import!("pinterest_conversions", import);

/// Turns a destination's JSON into `[sinks.pinterest]`, see [`Import::run`].
///
/// # Errors
/// The text is not JSON, is about another destination, or about several.
pub fn import(json: &str) -> Result<Imported, ImportError> {
    const IMPORT: Import = Import {
        spec: &SPEC,
        plugin: "pinterest_conversions",
        sink: "pinterest",
        action: "reportConversionEvent",
        known: &["ad_account_id", "conversion_token"],
        settings,
    };
    IMPORT.run(json)
}

fn settings(settings: &Map<String, Json>, notes: &mut Vec<String>) -> String {
    let id = match settings.get("ad_account_id") {
        Some(Json::String(text)) => text.trim().to_owned(),
        Some(Json::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let id = AccountId(id);
    let mut text = if id.has_digits(DIGITS) {
        format!("ad_account_id = {}\n", toml_text(&id.0))
    } else {
        notes.push(
            "ad_account_id: not there, or not 1 to 18 digits; put it into the environment variable \
             PINTEREST_AD_ACCOUNT_ID"
                .to_owned(),
        );
        "ad_account_id = \"${PINTEREST_AD_ACCOUNT_ID}\"\n".to_owned()
    };
    text.push_str("conversion_token = \"${PINTEREST_TOKEN}\"\n");
    notes.push(
        "conversion_token: never copied; put the token into the environment variable PINTEREST_TOKEN"
            .to_owned(),
    );
    text.push_str("compat = \"segment\"\n");
    notes.push(
        "compat: \"segment\" keeps the requests as they were, but for partner_name and np, which named Segment as the \
         sender; \"pinterest\" makes better ones, see docs/differences-from-segment.md"
            .to_owned(),
    );
    text
}
