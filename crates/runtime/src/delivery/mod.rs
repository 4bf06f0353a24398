//! The delivery driver: one task for each sink, which owns everything between the journal and
//! [`Sink::deliver`](signalbox_core::Sink::deliver).
//!
//! One task owns all state of its sink, so there are no locks and no order of locks; only the attempts run beside it.
//! The state lies in small values: rules without I/O, held by unit tests. The driver alone reads, commits, starts
//! attempts and waits. It asks the values in its loop:
//!
//! | value | decides |
//! |---|---|
//! | `Fill` | which events of the journal are for the sink, and in which state they begin |
//! | `Events`, with `Window` and `SentKeys` | when an event has ended, and how |
//! | `Commits` | when ends become durable |
//! | `LettersFull`, [`LoadShed`] | what happens without room for dead letters, or in the journal |
//! | `Returning` | when events come back from the dead letters |
//! | `Outgoing`, with `Ready` | which records go next |
//! | `Retry`, `Gate`, `Holds` | whether anything may go now |
//! | `Episodes` | which record of a refused batch is at fault |
//! | `Settling` | where a verdict sends each record of its batch |
//!
//! # States of an event and its records
//!
//! ```text
//!  journal --take_in--> open --prepare--+--> filtered, rejected
//!     ^                  |  ^           +--> aside: a transform waits -----wake----+
//!     |                  |  |           +--> waits for room for its dead letter ---+
//!     |                  |  +--------------------------prepare again---------------+
//!     |                  |
//!     |                  +--mapped--> a record for each mapping
//!     |                                  |
//!     |             +------put_back----> ready --next--+
//!     |             |                                  v
//!     |             |   +--delay--> delayed --wake--> groups --next--> in flight
//!     |             |   |                               ^                  |
//!     |             |   |                               +--halves, --------+ settle
//!     |             |   |                                  reencode        |
//!     |             +---+-------------retry, hold--------------------------+
//!     |                                                                    |
//!     |                              delivered, rejected, expired <--------+
//!     +--commit-- the event ends with its last record
//! ```
//!
//! An event whose records take long is *parked* by the window: it stays open while the cursor goes on without it. After
//! a restart, parked events and events that came back from the dead letters begin at `open` again.
//!
//! # Invariants
//!
//! - Each event that the sink is owed ends exactly once; the ledger counts it then, and its end is part of the next
//!   commit. Until then it is open in the window.
//! - A record is in one place: ready, in a group, delayed, a suspect of a bisection, or in flight.
//! - Nothing is rejected or expired without a dead letter in the same commit. Without room for one, nothing is decided.
//! - A record in flight is never given up: the destination may deliver it all the same.
//! - A claim on a key is delivered or released when its record ends.
//! - On hold no attempt starts; nothing ends but the attempts under way, and time on hold counts for no record.
//! - Every attempt passes the rate gate, halves and retries included.

mod attempts;
mod batching;
mod commits;
mod driver;
mod events;
mod fill;
mod gate;
mod hold;
mod in_flight;
mod isolate;
mod item;
mod letters_full;
mod load_shed;
mod options;
mod outgoing;
mod pending;
mod prepare;
mod recorder;
mod retry;
mod returned;
mod sent_keys;
mod settle;
mod tapped;
mod tenure_watch;
mod trace;
mod trail;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use driver::debts;
pub use driver::{Driver, Parts, Stop};
pub use load_shed::LoadShed;
pub use options::{BatchLimits, RequestLimits, RetryPolicy, SinkOptions, WindowLimits};
pub(crate) use prepare::guard;
pub use prepare::{Stage, Staged};
