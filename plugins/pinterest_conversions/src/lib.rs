#![doc = include_str!("../README.md")]

pub mod action;
mod api;
mod config;
mod encode;
mod import;
mod mapping;
mod mapping_config;
mod options;
mod reasons;
mod sink;

pub use config::{AdAccountId, PinterestConversionsConfig, Presets};
pub use encode::{EncodeOptions, Encoder};
pub use import::import;
pub use mapping::{CompiledMapping, Trigger};
pub use mapping_config::MappingConfig;
pub use options::{Compat, LdpHashCase, OnIncomplete, OnUnknownProperty};
pub use sink::PinterestConversions;

/// The typed parts of the request: what may stand in `user_data` and under which key.
pub mod wire {
    pub use crate::action::{HashedKey, PlainKey};
    pub use crate::encode::{Hashed, UserData};
}
