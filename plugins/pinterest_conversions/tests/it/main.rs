//! Tests of the sink through its public API.

mod support;
mod vectors;
