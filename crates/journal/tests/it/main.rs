//! Tests of the disk journal, through its public interface.
#![expect(clippy::unwrap_used, reason = "tests")]

mod arrivals;
mod begun;
mod checkpoints;
mod clock;
mod compact;
mod damage;
mod dead_letters;
mod dedup;
mod erasures;
mod folder;
mod idle;
mod inputs;
mod kill;
mod letter_pages;
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
