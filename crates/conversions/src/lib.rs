//! The parts of conversions destinations that no vendor owns: personal data, normalised and hashed, times, and
//! written forms of values. Pure.

pub mod encode;
pub mod personal;
pub mod time;
