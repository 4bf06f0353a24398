//! A Pinterest destination of Segment's as a table of the pipeline file.
//!
//! The table says what the destination does, no more: fields that have the defaults of their preset are left to it, and
//! `compat = "segment"` keeps the requests as they were. Whatever could never have sent anything (a trigger or mapping
//! that Segment refuses, too) is left out and told.

mod read;
mod subscription;
mod toml;

use serde_json::{Map, Value as Json};
use signalbox_core::{ImportError, Imported, register_segment_import};

use crate::AdAccountId;
use crate::action::{PRESETS, Preset};
use read::Found;
use subscription::Carried;

register_segment_import!("pinterest_conversions", import);

/// Settings that are read here. `subscription` and `subscriptions` stand beside them in some forms.
const KNOWN: [&str; 4] = [
    "ad_account_id",
    "conversion_token",
    "subscription",
    "subscriptions",
];

/// Turns a destination's JSON into `[sinks.pinterest]`.
///
/// Taken are: Segment's Public API's answers about a destination and about its subscriptions (both at once, too, in one
/// text or behind each other), and the forms of the open-source destinations (`presets`; `subscriptions` beside or in
/// `settings`).
///
/// # Errors
/// The text is not JSON, is about another destination, or about several.
pub fn import(json: &str) -> Result<Imported, ImportError> {
    let found = Found::read(json)?;
    let mut notes = found.notes;
    let mut text = String::from("[sinks.pinterest]\ntype = \"pinterest_conversions\"\n");
    text.push_str("inputs = [\"segment\"] # the name of your source\n");
    notes.push("inputs: put the name of your source there".to_owned());
    text.push_str(&account(&found.settings, &mut notes));
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
    for key in found.settings.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
        notes.push(format!("settings.{key}: not known here, left out"));
    }
    let mut names = Vec::new();
    let carried: Vec<Carried> = found
        .subscriptions
        .iter()
        .enumerate()
        .filter_map(|(index, subscription)| subscription::carry(subscription, index, &mut names, &mut notes))
        .collect();
    write_mappings(&carried, &mut text);
    Ok(Imported { toml: text, notes })
}

fn account(settings: &Map<String, Json>, notes: &mut Vec<String>) -> String {
    let id = match settings.get("ad_account_id") {
        Some(Json::String(text)) => text.trim().to_owned(),
        Some(Json::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let id = AdAccountId(id);
    if id.is_well_formed() {
        format!("ad_account_id = {}\n", toml::text(&id.0))
    } else {
        notes.push(
            "ad_account_id: not there, or not 1 to 18 digits; put it into the environment variable \
             PINTEREST_AD_ACCOUNT_ID"
                .to_owned(),
        );
        "ad_account_id = \"${PINTEREST_AD_ACCOUNT_ID}\"\n".to_owned()
    }
}

/// Presets as they are go by their names; but a preset that any mapping begins from must be a mapping each time, since
/// a mapping stands in its preset's place.
fn write_mappings(carried: &[Carried], text: &mut String) {
    let of = |preset: &Preset| carried.iter().filter(|one| one.preset == Some(preset)).count();
    let plain = |one: &&Carried| one.is_as_preset() && one.preset.is_some_and(|preset| of(preset) == 1);
    let names: Vec<&str> = carried
        .iter()
        .filter(plain)
        .filter_map(|one| one.preset)
        .map(|preset| preset.name)
        .collect();
    if names.len() == PRESETS.len() {
        text.push_str("presets = \"all\"\n");
    } else if names.is_empty() {
        text.push_str("presets = \"none\"\n");
    } else {
        let names: Vec<String> = names.into_iter().map(toml::text).collect();
        text.push_str(&format!("presets = [{}]\n", names.join(", ")));
    }
    for one in carried.iter().filter(|one| !plain(one)) {
        toml::mapping(&one.config, text);
    }
}
