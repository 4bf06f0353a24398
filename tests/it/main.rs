//! Signalbox through its public door: pipelines from TOML, events over HTTP, destinations on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that panics fails its test"
)]

// Plugins register themselves when they are linked.
use signalbox_plugins as _;

mod support;
mod transforms;

mod access;
mod admin;
mod admin_guard;
mod alerts;
mod beside;
mod canary;
mod commands;
mod conservation;
mod contract;
mod crowd;
mod durable;
mod faults;
mod field;
mod field_cases;
mod fuzz_seeds;
mod happy;
mod journals;
mod privacy;
mod routing;
#[cfg(feature = "nats")]
mod streams;
mod tap;
mod tester;
mod views;
