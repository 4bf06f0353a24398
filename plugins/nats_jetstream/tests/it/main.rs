//! The plugin with real servers, where `nats-server` is to be had.
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod rig;
mod settings;
mod sink;
mod source;

use signalbox_nats_jetstream as _;
