//! The file plugin as the pipeline file builds it.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod inputs;
mod remembered;
mod rig;
mod sink;
mod source;

use signalbox_file as _;
