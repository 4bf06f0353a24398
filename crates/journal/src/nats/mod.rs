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

mod adopt;
mod book;
mod bucket;
pub(crate) mod checks;
mod claims;
mod cluster;
mod commits;
mod delete;
mod erasures;
mod errors;
#[cfg(test)]
mod fixtures;
mod former;
mod give_up;
mod janitor;
mod journal;
mod keys;
mod lease;
mod letters;
mod log;
pub(crate) mod monitoring;
mod nodes;
mod options;
mod patience;
mod questions;
mod queue;
mod reader;
mod space;
mod states;
mod stream;
mod subjects;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use delete::delete as delete_journal;
pub use journal::NatsJournal;
pub use options::NatsOptions;
