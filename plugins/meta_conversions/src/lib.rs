#![doc = include_str!("../README.md")]

mod api;
mod click;
mod config;
mod derive;
mod fields;
mod frame;
mod import;
mod ldu;
mod learnt;
mod options;
mod payload;
mod person;
mod presets;
mod reasons;
mod segment;
mod sink;
mod wire;
mod write;

pub use config::MetaConversionsConfig;
pub use fields::{SEGMENT_SPEC, SPEC};
pub use import::IMPORT;
pub use options::{Compat, ExternalId, Meta};
