//! The linked plugins, and the directions of dependencies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that panics fails its test"
)]

mod circles;
mod directions;
mod examples;
mod file_names;
mod hashed_sources;
mod linked;
mod presets;
mod sources;
mod vendor_words;
mod way;

use signalbox_plugins as _;
