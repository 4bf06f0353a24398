//! The parts of conversions destinations that no vendor owns: personal data, normalised and hashed. Pure.

pub mod personal;
