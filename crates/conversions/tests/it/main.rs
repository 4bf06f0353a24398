//! Integration tests of the conversions kit.
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod acme;
mod explain;
mod kit;
mod personal;
mod vendors;
