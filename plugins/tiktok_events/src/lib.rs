#![doc = include_str!("../README.md")]

mod api;
mod config;
mod derive;
mod events;
mod fields;
mod groups;
mod import;
mod options;
mod payload;
mod person;
mod presets;
mod reasons;
mod segment;
mod sink;
mod wire;
mod write;

pub use config::TikTokEventsConfig;
pub use fields::{APP_SPEC, OFFLINE_SPEC, WEB_SPEC};
pub use import::IMPORT;
pub use options::{Compat, EventSource, ExternalIdCase, TikTok};
