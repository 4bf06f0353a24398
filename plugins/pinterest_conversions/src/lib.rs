#![doc = include_str!("../README.md")]

mod api;
mod config;
mod derive;
mod fields;
mod import;
mod ldp;
mod options;
mod payload;
mod person;
mod presets;
mod reasons;
mod score;
mod segment;
mod sink;
mod wire;
mod write;

pub use config::PinterestConversionsConfig;
pub use fields::SPEC;
pub use import::IMPORT;
pub use options::{Compat, LdpHashCase, OnUnknownProperty, Pinterest};
