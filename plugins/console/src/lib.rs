#![doc = include_str!("../README.md")]

mod config;
mod options;
mod reasons;
mod sink;

pub use config::ConsoleConfig;
pub use options::Target;
