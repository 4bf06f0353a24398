//! Several router processes that share a journal on three NATS servers, under kills, pauses and full disks.
//!
//! `cargo test -p signalbox --features nats --test cluster -- --test-threads 3` runs it, and no other command, since it takes
//! minutes. Tests that measure CPU or use all of it run alone, the others beside two more: most of their time they wait for leases
//! and elections. `CLUSTER_SECS` sets the time under kills (default 60),
//! `CLUSTER_SEED` another order of kills. From 300 seconds on it is the long form: processes are paused, and servers killed two
//! at once, as well; and the servers are cut off from each other.
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
mod growth;
mod history;
mod killer;
mod mistakes;
mod moved;
mod partition;
mod rates;
mod ration;
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

/// True in the long form, which takes ten minutes and more.
fn long() -> bool {
    setting("CLUSTER_SECS", 60) >= 300
}

/// Returns true in the long form, and says otherwise that the test is skipped.
fn long_only() -> bool {
    if !long() {
        eprintln!("skipped: only with CLUSTER_SECS=300 or more");
    }
    long()
}
