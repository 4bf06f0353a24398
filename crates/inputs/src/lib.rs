//! Inputs of JSON values, for the `file` source and for `dry-run`: [`find`] finds the files that a path names, [`decompressed`]
//! recognises gzip, and [`read`] cuts an input into values by the rules of [`signalbox_segment::ingest`].

mod files;
mod gzip;
mod values;

pub use files::{Files, FindError, find};
pub use gzip::{GZIP, decompressed};
pub use values::{Chunk, read};
