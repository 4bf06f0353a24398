#![doc = include_str!("../README.md")]

mod api;
mod capture;
mod counts;
mod endpoint;
mod faults;
mod inject;
mod json;
mod judge;
mod meta;
mod options;
mod pinterest;
mod reply;
mod request_guard;
mod sandbox;
mod server;
mod state;
#[cfg(test)]
mod testing;
mod tiktok;
mod vendor;

pub use counts::Counts;
pub use faults::{
    BadRequest, FailEvents, Faults, Garbage, GarbageBody, RateLimit, Redirect, Reset, ShortBody, Slow,
    Status, Unavailable, WarnEvents,
};
pub use options::SandboxConfig;
pub use sandbox::{Sandbox, start};
pub use state::Received;
pub use vendor::Vendor;
