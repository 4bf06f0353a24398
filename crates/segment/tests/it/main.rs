//! Integration tests of Segment's languages and rules.

mod times;
mod vectors;
