#![doc = include_str!("../README.md")]

mod config;
mod merge;
mod options;
mod paths;
mod reasons;
mod transform;

pub use config::MapConfig;
pub use options::Mode;
