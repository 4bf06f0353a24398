//! Several router processes that share a journal on three NATS servers, under kills, pauses and full disks.
//!
//! `cargo test -p signalbox --features nats --test cluster` runs it, and no other command, since it takes minutes. The tests take turns:
//! they measure times. `CLUSTER_SECS` sets the time under kills (default 60), `CLUSTER_SEED` another order of kills.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that panics fails its test"
)]

// Plugins register themselves when they are linked.
use signalbox_plugins as _;

#[path = "../it/conservation/events.rs"]
#[allow(dead_code, reason = "what only one router's test needs")]
mod events;
#[path = "../it/conservation/kinds.rs"]
mod kinds;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, reason = "helpers of the other end-to-end tests")]
mod support;
#[path = "../it/conservation/tally.rs"]
#[allow(dead_code, reason = "what only one router's test needs")]
mod tally;

mod away;
mod clients;
mod commits;
mod conservation;
mod disk;
mod full;
mod history;
mod killer;
mod moved;
mod regrouped;
mod relay;
mod rig;
mod rolling;
mod router;
mod takeover;

/// Returns a number from the environment, such as `CLUSTER_SECS`.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}
