#![doc = include_str!("../README.md")]

mod api;
mod config;
mod derive;
mod encode;
mod fields;
mod import;
mod options;
mod presets;
mod reasons;
mod sink;
mod wire;

pub use config::{AdAccountId, PinterestConversionsConfig};
pub use encode::{EncodeOptions, Encoder};
pub use fields::SPEC;
pub use import::import;
pub use options::{Compat, LdpHashCase, OnIncomplete, OnUnknownProperty};
pub use sink::PinterestConversions;
