#![doc = include_str!("../README.md")]

mod addresses;
mod auth;
mod body;
mod config;
mod connection;
mod cors;
mod ingest;
mod keys;
mod library;
mod origins;
mod patience;
mod peer;
mod pixel;
mod reply;
mod routes;
mod sdk_settings;
mod source;
mod tls;
mod work;

pub use config::{SegmentHttpConfig, UnknownKey};
pub use keys::{KeyRateLimit, WriteKey, WriteKeySettings};
pub use sdk_settings::{ConsentConfig, Protocol};
pub use source::SegmentHttp;
pub use tls::TlsConfig;
