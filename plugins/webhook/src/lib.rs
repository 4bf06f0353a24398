#![doc = include_str!("../README.md")]

mod config;
mod destination;
mod reject;

pub use config::{Method, Mode, WebhookConfig};
pub use signalbox_segment::configured::MappingConfig;
