//! Tests of the journals through their public interface: the promises of every kind (`contract`), and those of the disk journal.
#![expect(clippy::unwrap_used, reason = "tests")]

mod begun;
mod checkpoints;
mod clock;
mod compact;
mod contract;
mod damage;
mod dedup;
mod erasures;
mod folder;
mod idle;
mod kill;
mod letter_space;
mod mark;
mod missing;
mod newer;
mod quota;
mod read;
mod rebuilt;
mod refused;
mod renamed;
mod sealed;
mod sealed_state;
mod support;
mod transfer;
