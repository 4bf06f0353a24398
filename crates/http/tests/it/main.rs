//! The kit against servers that misbehave on raw sockets.
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod replies;
mod server;
