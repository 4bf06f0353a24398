//! The transform as the pipeline file builds it.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod config;
mod merge;
mod replace;

use serde_json::Value;
use signalbox_core::{BuildErrors, Built, Event, Flow, Receipt, Side, Transform};
use signalbox_map as _;
use signalbox_testkit::transform;

fn built(settings: &str) -> Result<Built<dyn Transform>, BuildErrors> {
    transform("map", Side::Source, settings)
}

fn build(settings: &str) -> Result<Box<dyn Transform>, BuildErrors> {
    built(settings).map(|built| built.component)
}

fn event(json: &str) -> Event {
    let receipt = Receipt {
        source: "site".into(),
        received_at: 7,
    };
    Event::parse(json, receipt).unwrap()
}

/// The event as the transform leaves it, and the codes and paths of its warnings.
fn made(settings: &str, json: &str) -> (String, Vec<(String, String)>) {
    let map = build(settings).unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut event = event(json);
    assert_eq!(map.apply(&mut event), Flow::Pass);
    let warnings = event.facts().warnings.iter();
    let warnings = warnings
        .map(|noted| (noted.code.to_string(), noted.path.clone()))
        .collect();
    (event.to_json(), warnings)
}

fn json(settings: &str, json: &str) -> Value {
    let (text, warnings) = made(settings, json);
    assert_eq!(warnings, []);
    serde_json::from_str(&text).unwrap()
}
