#![doc = include_str!("../README.md")]

mod admission;
mod analytics_js;
mod auth;
mod body;
mod config;
mod connection;
mod cors;
mod exchange;
mod ingest;
mod keys;
mod options;
mod origins;
mod peer;
mod pixel;
mod reply;
mod requests;
mod routes;
mod sdk_settings;
mod settings;
mod source;
mod tls;
mod traffic;
mod write_timeout;
mod wrong_keys;

pub use config::SegmentHttpConfig;
pub use keys::{KeyRateLimit, WriteKey, WriteKeySettings};
pub use options::UnknownKey;
pub use sdk_settings::{ConsentConfig, Protocol};
pub use source::SegmentHttp;
pub use tls::TlsConfig;
