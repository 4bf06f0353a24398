//! The parts of conversions destinations that no vendor owns: personal data, normalised and hashed, and times. Pure.

pub mod personal;
pub mod time;
