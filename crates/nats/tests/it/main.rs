//! The connection, with real servers where `nats-server` is to be had.
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod connecting;
mod leaving;
mod settings;
