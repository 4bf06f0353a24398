//! The webhook as the pipeline file builds it, against a loopback server.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod config;
mod delivery;
mod mappings;
mod server;

use signalbox_core::{BuildContext, BuildErrors, Side, Sink, SinkConfig};
use signalbox_webhook as _;

fn config(settings: serde_json::Value) -> Result<Box<dyn SinkConfig>, serde_json::Error> {
    let mut settings = settings;
    settings["type"] = "webhook".into();
    serde_json::from_value(settings)
}

fn build(settings: serde_json::Value) -> Result<Box<dyn Sink>, BuildErrors> {
    config(settings)
        .unwrap()
        .build(&BuildContext {
            name: "warehouse".into(),
            place: Side::Sink,
        })
        .map(|built| built.component)
}
