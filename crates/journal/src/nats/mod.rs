//! The journal on NATS JetStream, which several routers share.
//!
//! ```text
//! append ──▶ PREFIX_EV (frames of events) ──▶ readers of the sinks that this router drives
//!                │ headers                          │ commit: one atomic batch, fenced
//!                ▼                                  ▼
//!            follower (ids, duplicates)        PREFIX_ST (states, dead letters) ──▶ a mirror in each router
//! ```
//! JetStream serves as a replicated log and as a replicated register with compare-and-swap, not as a queue: no durable
//! consumers and no acknowledgements of the server's.

mod book;
mod bucket;
pub(crate) mod checks;
mod cluster;
mod errors;
mod former;
mod janitor;
mod lease;
mod log;
pub(crate) mod monitoring;
mod nodes;
mod stream;
mod subjects;
#[cfg(test)]
mod testing;
