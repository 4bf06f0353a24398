#![doc = include_str!("../README.md")]

mod sink;
mod source;

pub use sink::FileSinkConfig;
pub use source::FileSourceConfig;
