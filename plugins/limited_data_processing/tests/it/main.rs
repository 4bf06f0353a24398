//! The transform as the pipeline file builds it.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod config;
mod decisions;
mod orders;

use signalbox_core::{BuildErrors, Side, Transform};
use signalbox_limited_data_processing as _;
use signalbox_testkit::transform;

const PLACES: [Side; 2] = [Side::Source, Side::Sink];

const DO_NOT_SELL: &str = "opted_out = [{ path = \"properties.do_not_sell\" }]\n";

fn build(place: Side, settings: &str) -> Result<Box<dyn Transform>, BuildErrors> {
    transform("limited_data_processing", place, settings).map(|built| built.component)
}
