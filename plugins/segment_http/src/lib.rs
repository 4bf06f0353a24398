#![doc = include_str!("../README.md")]

mod admission;
mod analytics_js;
mod application;
mod auth;
mod body;
mod click_ids;
mod config;
mod cors;
mod ingest;
mod keys;
mod options;
mod origins;
mod peer;
mod pixel;
mod reply;
mod routes;
mod sdk_settings;
mod settings;
mod source;
mod tls;
mod trusted_headers;
mod visitor;
mod wrong_keys;

pub use config::SegmentHttpConfig;
pub use keys::{KeyRateLimit, WriteKey, WriteKeySettings};
pub use options::UnknownKey;
pub use sdk_settings::{ConsentConfig, Protocol};
pub use source::SegmentHttp;
pub use tls::TlsConfig;
