//! Tests of the sink through its public API.
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod configuration;
mod golden;
mod import;
mod meta;
mod segment;
mod support;
