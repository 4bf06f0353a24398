#![doc = include_str!("../README.md")]

mod config;
mod destination;

pub use config::{Method, Mode, WebhookConfig};
