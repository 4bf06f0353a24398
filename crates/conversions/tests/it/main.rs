//! Integration tests of the conversions kit.

mod personal;
mod vendors;
