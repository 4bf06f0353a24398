//! For tests only: builders, a server with scripted answers, a double of the runtime's intake, and the contracts of
//! sources, transforms and sinks, and a runner of golden cases.
//!
//! Helpers panic where a test should fail; nothing here belongs into a running router.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that panics fails its test"
)]

mod build;
mod checkpoints;
pub mod contract;
pub mod golden;
mod intake;
mod link;
mod mmdb;
mod nats;
pub mod server;
mod sockets;
pub mod versions;

pub use build::{batch, event, event_of, records, transform, transform_config};
pub use checkpoints::MemoryCheckpoints;
pub use intake::IntakeDouble;
pub use link::Link;
pub use mmdb::mmdb;
pub use nats::NatsCluster;
pub use server::{Act, Seen, Server};
pub use sockets::{NewSockets, OneSocket};
