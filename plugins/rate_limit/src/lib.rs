#![doc = include_str!("../README.md")]

mod buckets;
mod config;
mod key;
mod line;
mod rate_limit;
mod reject;
mod requests;

pub use config::{OnExceeded, Per, RateLimitConfig};
