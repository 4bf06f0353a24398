//! Leases: which router drives a rate group.

#[cfg(test)]
mod interleavings;
mod machine;
