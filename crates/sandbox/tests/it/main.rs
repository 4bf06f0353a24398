//! The sandbox over real HTTP: shapes of answers, recording, and every fault.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; .clippy.toml covers test functions only"
)]

mod faults;
mod meta;
mod recording;
mod scores;
mod support;
mod tiktok;
mod vendors;
mod wire;
