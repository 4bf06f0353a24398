#![doc = include_str!("../README.md")]

mod config;
mod fields;
mod groups;
mod options;
mod payload;
mod presets;
mod reasons;
mod segment;
mod sink;
mod wire;

pub use config::TikTokEventsConfig;
pub use fields::{APP_SPEC, OFFLINE_SPEC, WEB_SPEC};
pub use options::{Compat, EventSource, TikTok};
