//! One subscription as one mapping.

use serde_json::{Map, Value as Json};
use signalbox_core::BuildError;
use signalbox_segment::fql::Trigger;
use signalbox_segment::settings::Findings;

use super::options::{Action, Destination};
use super::read::text;
use crate::presets::Preset;
use crate::settings::{self, MappingConfig};
use crate::spec::{Compat, Spec};

/// Deepest nesting of a mapping; the loader takes tables nested 64 deep.
const DEEPEST: usize = 48;

/// Segment's settings of batches among the fields, which mean nothing here.
const BATCHING: [&str; 3] = ["enable_batching", "batch_size", "batch_keys"];

/// The field that names the operation on records, of which conversions have one.
const SYNC_MODE: (&str, &str) = ("__segment_internal_sync_mode", "add");

/// The member in which Segment keeps a directive around the whole mapping.
const AROUND_ALL: &str = "__segment_internal_directive";

/// A subscription that was carried over.
pub(super) struct Carried {
    pub(super) preset: Option<&'static Preset>,
    pub(super) config: MappingConfig,
}

impl Carried {
    /// Returns true if it is its preset and nothing more.
    pub(super) fn is_as_preset(&self) -> bool {
        let config = &self.config;
        config.enabled
            && config.name.is_none()
            && config.trigger.is_none()
            && config.fields.is_empty()
            && config.unset.is_empty()
    }
}

/// Carries a subscription over, or tells why it is left out.
pub(super) fn carry(
    destination: &Destination,
    subscription: &Map<String, Json>,
    index: usize,
    names: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> Option<Carried> {
    let spec = destination.spec;
    let first = |keys: [&str; 2]| keys.iter().find_map(|key| text(subscription, key));
    let shown = match text(subscription, "name") {
        Some(name) => name.to_owned(),
        None => format!("subscription {}", index + 1),
    };
    let mut note = |what: &str| notes.push(format!("{shown:?}: {what}"));
    let action = destination.action_of(subscription);
    if action.is_none() {
        if let Some(slug) = first(["partnerAction", "actionSlug"]) {
            note(&format!("its action {slug:?} has no counterpart here; left out"));
            return None;
        }
        note(&format!(
            "its action has no name here; taken for {}'s",
            spec.vendor
        ));
    }
    if first(["modelId", "reverseETLModelId"]).is_some() {
        note(
            "it is fed from a warehouse (reverse ETL), which is not carried over: it listens to your source here",
        );
    }
    let trigger = first(["subscribe", "trigger"]).unwrap_or_default();
    if let Err(error) = Trigger::parse(trigger) {
        note(&format!(
            "its trigger cannot be read and fires at Segment neither ({error}); left out"
        ));
        return None;
    }
    let Some(mapping) = ["mapping", "settings"]
        .iter()
        .find_map(|key| object(subscription.get(*key)?))
    else {
        note("it has no mapping; left out");
        return None;
    };
    if deeper_than(&Json::Object(mapping.clone()), DEEPEST) {
        note(
            "its mapping is nested too deeply for the pipeline file; put it into a file and name it in fields_file",
        );
        return None;
    }
    if mapping.contains_key(AROUND_ALL) {
        note("a directive stands around its whole mapping, which is not carried over; left out");
        return None;
    }
    let mut mapping = known(spec, mapping, &mut note);
    let preset = preset_of(destination, action, &mut mapping);
    let mut config = MappingConfig {
        preset: preset.map(|preset| preset.name.to_owned()),
        enabled: subscription.get("enabled") != Some(&Json::Bool(false)),
        ..MappingConfig::default()
    };
    differences(spec, &mapping, preset, &mut config);
    if preset.is_none_or(|preset| !same_trigger(trigger, preset)) {
        config.trigger = Some(trigger.to_owned());
    }
    name(&shown, preset, &mut config, names, &mut note);

    let mut findings = Findings::default();
    settings::compile(
        spec,
        &[],
        std::slice::from_ref(&config),
        Compat::Segment,
        &mut findings,
    );
    for error in &findings.errors {
        let error = below(error);
        note(&format!(
            "{error}; Segment refuses all its events for this, so it is left out"
        ));
    }
    for warning in &findings.warnings {
        let help = warning.help.as_deref().map(|help| format!("; {help}"));
        note(&format!(
            "in doubt: {}{}",
            below(warning),
            help.unwrap_or_default()
        ));
    }
    findings.errors.is_empty().then_some(Carried { preset, config })
}

/// Returns a finding about a setting, with its path below the mapping.
fn below(told: &BuildError) -> String {
    let told = told.to_string();
    told.strip_prefix("mappings.0.").unwrap_or(&told).to_owned()
}

/// A mapping, as an object or as text that holds one.
fn object(value: &Json) -> Option<Map<String, Json>> {
    match value {
        Json::Object(object) => Some(object.clone()),
        Json::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn deeper_than(value: &Json, most: usize) -> bool {
    let Some(less) = most.checked_sub(1) else {
        return true;
    };
    match value {
        Json::Array(items) => items.iter().any(|item| deeper_than(item, less)),
        Json::Object(members) => members.values().any(|member| deeper_than(member, less)),
        _ => false,
    }
}

/// The fields that exist here, without null, which the pipeline file has no word for.
fn known(spec: &Spec, mapping: Map<String, Json>, note: &mut impl FnMut(&str)) -> Map<String, Json> {
    let mut known = Map::new();
    let mut nulls = false;
    let is_of_segment =
        |key: &str, value: &Json| BATCHING.contains(&key) || (key == SYNC_MODE.0 && value == SYNC_MODE.1);
    for (key, mut value) in mapping {
        if is_of_segment(&key, &value) {
            continue;
        }
        let Some(field) = spec.field(&key).filter(|_| !key.contains('.')) else {
            note(&format!("the field {key:?} is not known here; left out"));
            continue;
        };
        if let (Json::Object(members), Some(properties)) = (&mut value, field.properties)
            && !members.keys().any(|member| member.starts_with('@'))
        {
            members.retain(|member, _| {
                let there = properties.iter().any(|property| property.key == member);
                if !there {
                    note(&format!(
                        "the field \"{key}.{member}\" is not known here; left out"
                    ));
                }
                there
            });
        }
        nulls |= replace_null(&mut value);
        known.insert(key, value);
    }
    if nulls {
        note("TOML has no null; it is written as a directive that gives it");
    }
    known
}

/// Replaces null by a directive that gives it; true if there was any. An `else` that is null is none.
fn replace_null(value: &mut Json) -> bool {
    match value {
        Json::Null => {
            *value = serde_json::json!({ "@json": { "mode": "decode", "value": "null" } });
            true
        }
        Json::Array(items) => items.iter_mut().fold(false, |any, item| replace_null(item) | any),
        Json::Object(members) => {
            if members.get("else").is_some_and(Json::is_null) {
                members.shift_remove("else");
            }
            members
                .values_mut()
                .fold(false, |any, member| replace_null(member) | any)
        }
        _ => false,
    }
}

/// Returns the preset whose conversion this is. The mapping of an action with a preset need not name the conversion: then
/// the preset's name for it is added.
fn preset_of(
    destination: &Destination,
    action: Option<&Action>,
    mapping: &mut Map<String, Json>,
) -> Option<&'static Preset> {
    let spec = destination.spec;
    if let Some(preset) = action.and_then(|action| destination.preset_of(action)) {
        if !mapping.contains_key(spec.event_field) {
            let mut by_default = spec.default_mapping(Some(preset), Compat::Segment);
            mapping.extend(by_default.remove_entry(spec.event_field));
        }
        return Some(preset);
    }
    let name = mapping.get(spec.event_field)?.as_str()?;
    let is = |preset: &&Preset| preset.event_name == name && preset.is_in(Compat::Segment);
    spec.presets.iter().find(is)
}

/// Puts into `fields` and `unset` what differs from the defaults.
fn differences(
    spec: &Spec,
    mapping: &Map<String, Json>,
    preset: Option<&'static Preset>,
    config: &mut MappingConfig,
) {
    let defaults = spec.default_mapping(preset, Compat::Segment);
    for (key, value) in mapping {
        match (value, defaults.get(key)) {
            (_, Some(default)) if value == default => {}
            (Json::Object(members), Some(Json::Object(by_default)))
                if is_plain(members) && is_plain(by_default) =>
            {
                for (member, value) in members
                    .iter()
                    .filter(|(member, value)| by_default.get(*member) != Some(value))
                {
                    config.fields.insert(format!("{key}.{member}"), value.clone());
                }
                let gone = by_default.keys().filter(|member| !members.contains_key(*member));
                config.unset.extend(gone.map(|member| format!("{key}.{member}")));
            }
            _ => {
                config.fields.insert(key.clone(), value.clone());
            }
        }
    }
    let gone = defaults.keys().filter(|key| !mapping.contains_key(*key));
    config.unset.extend(gone.cloned());
}

/// Members of fields, not a directive.
fn is_plain(members: &Map<String, Json>) -> bool {
    !members.keys().any(|key| key.starts_with('@'))
}

fn same_trigger(text: &str, preset: &Preset) -> bool {
    let Some(by_default) = preset.trigger() else {
        return false;
    };
    match (Trigger::parse(text), Trigger::parse(&by_default)) {
        (Ok(left), Ok(right)) => left.tree() == right.tree() && left.warnings().is_empty(),
        _ => false,
    }
}

/// Segment's names need not differ, ours must: outcomes are counted by them.
fn name(
    shown: &str,
    preset: Option<&Preset>,
    config: &mut MappingConfig,
    names: &mut Vec<String>,
    note: &mut impl FnMut(&str),
) {
    let mut name = shown.to_owned();
    let mut number = 2;
    while names.contains(&name) {
        name = format!("{shown} {number}");
        number += 1;
    }
    if name != shown {
        note(&format!(
            "another subscription has this name; this one is called {name:?}"
        ));
    }
    if preset.is_none_or(|preset| preset.name != name) {
        config.name = Some(name.clone());
    }
    names.push(name);
}
