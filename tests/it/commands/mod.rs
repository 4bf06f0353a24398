//! The commands of the binary: their output and exit codes.

mod archive;
mod cut_short;
mod debug_log;
mod demo;
mod dry_run;
mod errors;
mod files;
mod handover;
mod import;
mod lists;
mod probe;
mod run;
mod sandbox;

use crate::support::process::{Exit, run};

/// Runs with no environment.
async fn signalbox(arguments: &[&str]) -> Exit {
    run(arguments, &[]).await
}
