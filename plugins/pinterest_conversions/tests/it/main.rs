//! Tests of the sink through its public API.

mod differences;
mod pinterest;
mod privacy;
mod reference;
mod support;
mod vectors;
