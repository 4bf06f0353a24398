//! The transform as the pipeline file builds it.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod config;
mod decisions;
mod orders;

use serde_json::Value;
use signalbox_core::{BuildContext, BuildErrors, Event, Receipt, Side, Transform, TransformConfig};
use signalbox_limited_data_processing as _;

const PLACES: [Side; 2] = [Side::Source, Side::Sink];

const DO_NOT_SELL: &str = "opted_out = [{ path = \"properties.do_not_sell\" }]\n";

fn config(settings: &str) -> Result<Box<dyn TransformConfig>, toml::de::Error> {
    toml::from_str(&format!("type = \"limited_data_processing\"\n{settings}"))
}

fn build(place: Side, settings: &str) -> Result<Box<dyn Transform>, BuildErrors> {
    config(settings)
        .unwrap()
        .build(&BuildContext {
            name: "opt_out".into(),
            place,
        })
        .map(|built| built.component)
}

fn event(payload: &Value) -> Event {
    let receipt = Receipt {
        source: "site".into(),
        received_at: 0,
    };
    Event::parse(&payload.to_string(), receipt).unwrap()
}
