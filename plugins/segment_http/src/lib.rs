#![doc = include_str!("../README.md")]

mod auth;
mod body;
mod config;
mod connection;
mod cors;
mod exchange;
mod ingest;
mod keys;
mod library;
mod origins;
mod patience;
mod peer;
mod pixel;
mod reply;
mod requests;
mod routes;
mod sdk_settings;
mod source;
mod tls;
mod traffic;
mod work;
mod wrong_keys;

pub use config::{SegmentHttpConfig, UnknownKey};
pub use keys::{KeyRateLimit, WriteKey, WriteKeySettings};
pub use sdk_settings::{ConsentConfig, Protocol};
pub use source::SegmentHttp;
pub use tls::TlsConfig;
