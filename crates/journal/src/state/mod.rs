//! The state: everything but frames, in one small file. It holds where sinks stand, parked events, dead letters,
//! checkpoints of sources, and counts.

pub(crate) mod checkpoints;
pub(crate) mod compact;
mod contents;
pub(crate) mod dead_letters;
pub(crate) mod opening;
pub(crate) mod parked;
mod read_pin;
pub(crate) mod rebuild;
mod recovery;
mod seal_all;
pub(crate) mod state_file;
pub(crate) mod store;
pub(crate) mod tables;
mod tentative;
pub(crate) mod values;
