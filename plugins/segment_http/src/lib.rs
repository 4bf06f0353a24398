#![doc = include_str!("../README.md")]

mod auth;
mod body;
mod config;
mod cors;
mod ingest;
mod peer;
mod pixel;
mod reply;
mod routes;
mod sdk_settings;
mod source;

pub use config::{SegmentHttpConfig, UnknownKey};
pub use source::SegmentHttp;
