//! Integration tests of Segment's languages and rules.

mod normalise;
mod vectors;
