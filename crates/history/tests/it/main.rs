//! A history as routers and operators use it: records in, answers out, faults of the disk in between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that panics fails its test"
)]

mod erasure;
mod faults;
mod filters;
mod killed;
mod limits;
mod losses;
mod peers;
mod search;
mod sums;
mod sums_only;
mod support;
mod versions;
