#![doc = include_str!("../README.md")]

pub mod action;
mod api;
mod config;
mod destination;
mod encode;
mod import;
mod learned;
mod mapping;
mod mapping_config;
mod reject;

pub use config::{
    AdAccountId, Compat, LdpHashCase, OnIncomplete, OnUnknownProperty, PinterestConversionsConfig, Presets,
};
pub use destination::PinterestConversions;
pub use encode::{EncodeOptions, Encoder};
pub use import::import;
pub use mapping::{CompiledMapping, Trigger};
pub use mapping_config::MappingConfig;

/// The typed parts of the request: what may stand in `user_data` and under which key.
pub mod wire {
    pub use crate::encode::wire::{HashedKey, PlainKey};
    pub use crate::encode::{Hashed, UserData};
}
