//! The source over real loopback HTTP, with a double for the runtime's side.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that panics fails its test"
)]

mod answers;
mod browsers;
mod crowds;
mod expiry;
mod floods;
mod framing;
mod hardening;
mod keys;
mod library;
mod lifecycle;
mod recordings;
mod shapes;
mod stalled;
mod strangers;
mod support;
mod surges;
mod tls;
mod visitors;
