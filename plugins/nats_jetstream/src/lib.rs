#![doc = include_str!("../README.md")]

mod link;
mod sink;
mod source;

pub use sink::NatsSinkConfig;
pub use source::{Format, NatsSourceConfig, StartAt};
