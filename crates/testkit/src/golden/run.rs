//! Running our sink on golden cases.

use std::sync::Arc;

use serde_json::Value as Json;
use signalbox_conversions::{Compat, CompiledMapping, Draft, Preset, Trigger};
use signalbox_core::{Event, Prepared, Receipt, Record, Rejection, Warning};
use signalbox_segment::fql;

use super::case::Case;
use super::parts;
use super::vendor::GoldenVendor;

/// The time of the cases: noon of 2 March 2026, in UTC and Unix milliseconds.
const CLOCK: i64 = 1_772_452_800_000;

/// Our result of one preset for one event.
pub enum Made {
    /// A record, and the body of a request with nothing else.
    Sent(Arc<Record>, Json),
    /// A refusal: the reason's code, the warnings.
    Refused(String, Vec<Warning>),
    /// The kind of a mistake in the trigger or the mapping, with which no event runs.
    Broken(&'static str),
}

/// Our results for one event.
pub enum Ran {
    /// The results of the presets that listen, by their names, in the order of the presets.
    Made(Vec<(String, Made)>),
    /// The event is no object, so no source passes it: the kind of error that Segment's code has with it, if any.
    NoEvent(Option<&'static str>),
}

/// Reads an event, received at the time of the cases; `None` if it is no object.
pub fn event(json: &str) -> Option<Event> {
    let receipt = Receipt {
        source: "test".into(),
        received_at: CLOCK,
    };
    Event::parse(json, receipt).ok()
}

/// Runs our sink on the events of a case, each alone.
///
/// # Errors
/// The message with which our configuration refuses the case's settings.
pub fn run<G: GoldenVendor>(vendor: &G, case: &Case, compat: Compat) -> Result<Vec<Ran>, String> {
    // The settings are judged even if no event listens.
    vendor.destination(case, compat, Vec::new())?;
    case.events()
        .map(|event| run_event(vendor, case, event, compat))
        .collect()
}

fn run_event<G: GoldenVendor>(vendor: &G, case: &Case, json: &str, compat: Compat) -> Result<Ran, String> {
    let Some(event) = event(json) else {
        return Ok(Ran::NoEvent(match json.as_bytes().first() {
            Some(b'n') => Some("crash"),
            Some(b'[') if G::REFUSES_LISTS => Some("list"),
            _ => None,
        }));
    };
    let mut made = Vec::new();
    let mut mappings = Vec::new();
    for (name, preset) in presets(vendor, case, compat) {
        // Segment looks at a mapping only once its trigger has fired, and compiling all of them takes its time.
        match trigger(vendor, case, name, preset) {
            Ok(trigger) if !trigger.matches(&event) => {}
            Ok(trigger) => match compile(vendor, case, name, preset, trigger, compat) {
                Ok(mapping) => {
                    made.push((name.to_owned(), None));
                    mappings.push(mapping);
                }
                Err(kind) => made.push((name.to_owned(), Some(Made::Broken(kind)))),
            },
            Err(kind) => made.push((name.to_owned(), Some(Made::Broken(kind)))),
        }
    }
    let sink = vendor.destination(case, compat, mappings)?;
    let results = match sink.encode(&event) {
        Prepared::Filtered(_) => Vec::new(),
        Prepared::Rejected(reason) => panic!("{}: an encoder rejects by mapping, not {reason}", case.name),
        Prepared::Mapped(results) => results,
    };
    for result in results {
        let (mapping, result) = match result {
            Ok(record) => {
                parts::check(&case.name, vendor.spec(case, compat), &record);
                let record = Arc::new(record);
                let body = sink.request(&[Arc::clone(&record)]).body.to_bytes();
                let body = serde_json::from_slice(&body).unwrap_or_else(|e| panic!("{}: {e}", case.name));
                (Arc::clone(&record.mapping), Made::Sent(record, body))
            }
            Err(Rejection {
                mapping,
                reason,
                warnings,
            }) => (mapping, Made::Refused(reason.code().to_owned(), warnings)),
        };
        let entry = made.iter_mut().find(|(name, _)| **name == *mapping).unwrap();
        entry.1 = Some(result);
    }
    let made = made.into_iter().filter_map(|(name, made)| Some((name, made?)));
    Ok(Ran::Made(made.collect()))
}

/// The presets that a case runs, by the names that its results have.
fn presets<'c, G: GoldenVendor>(
    vendor: &G,
    case: &'c Case,
    compat: Compat,
) -> Vec<(&'c str, &'static Preset)> {
    let spec = vendor.spec(case, compat);
    match &case.preset {
        Some(name) => {
            let preset = vendor.preset(spec, name);
            vec![(
                name,
                preset.unwrap_or_else(|| panic!("{}: no preset {name}", case.name)),
            )]
        }
        None => {
            let presets = spec.presets.iter().filter(|preset| preset.is_in(compat));
            presets.map(|preset| (preset.name, preset)).collect()
        }
    }
}

fn trigger<G: GoldenVendor>(
    vendor: &G,
    case: &Case,
    name: &str,
    preset: &Preset,
) -> Result<Trigger, &'static str> {
    let named = || vendor.trigger(name).filter(|_| case.preset.is_some());
    match case.subscribe.as_deref().or_else(named) {
        Some(text) => fql::Trigger::parse(text).map(Trigger::Fql).map_err(|_| "trigger"),
        None => Ok(Trigger::Preset(preset.listens)),
    }
}

fn compile<G: GoldenVendor>(
    vendor: &G,
    case: &Case,
    name: &str,
    preset: &'static Preset,
    trigger: Trigger,
    compat: Compat,
) -> Result<CompiledMapping, &'static str> {
    let mut draft = Draft::new(vendor.spec(case, compat), Some(preset), compat);
    for (path, value) in vendor.overrides(name, compat) {
        draft.set(&path, Some(value));
    }
    for (path, value) in case.overrides() {
        draft.set(path, value.cloned());
    }
    draft.compile(name, trigger).map_err(|_| "mapping")
}
