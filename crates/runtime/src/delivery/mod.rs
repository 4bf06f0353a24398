//! The delivery driver: one task for each sink, which owns everything between the journal and
//! [`Sink::deliver`](signalbox_core::Sink::deliver): preparing, batching, pacing, retrying the failing subset,
//! expiry, bisecting, holding, dead letters and counts.
//!
//! One task owns all state of its sink, so there are no locks and no order of locks; what runs beside it are
//! the attempts themselves.

mod batching;
mod driver;
mod fill;
mod gate;
mod hold;
mod in_flight;
mod isolate;
mod item;
mod letters_full;
mod load_shed;
mod options;
mod prepare;
mod returned;
mod sent_keys;
mod settle;
mod trail;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use driver::debts;
pub use driver::{Driver, Parts, Stop};
pub use load_shed::LoadShed;
pub use options::{BatchLimits, RetryPolicy, SinkOptions};
pub(crate) use prepare::guard;
pub use prepare::{Stage, Staged};
