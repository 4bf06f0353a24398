#![doc = include_str!("../README.md")]

mod config;
mod fields;
mod frame;
mod options;
mod payload;
mod presets;
mod reasons;
mod segment;
mod sink;
mod wire;

pub use config::MetaConversionsConfig;
pub use fields::{SEGMENT_SPEC, SPEC};
pub use options::{Compat, Meta};
