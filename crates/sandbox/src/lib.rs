#![doc = include_str!("../README.md")]

mod capture;
mod counts;
mod endpoint;
mod faults;
mod inject;
mod json;
mod reply;
mod request_guard;
mod sandbox;
mod schema;
mod server;
mod state;
mod validate;
mod values;

pub use counts::Counts;
pub use faults::{
    BadRequest, FailEvents, Faults, Garbage, GarbageBody, RateLimit, Redirect, Reset, ShortBody, Slow,
    Status, Unavailable, WarnEvents,
};
pub use sandbox::{Sandbox, SandboxConfig, start};
pub use state::Received;
