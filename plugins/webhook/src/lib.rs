#![doc = include_str!("../README.md")]

mod config;
mod options;
mod reasons;
mod sink;

pub use config::WebhookConfig;
pub use options::{Method, Mode};
pub use signalbox_segment::settings::MappingConfig;
