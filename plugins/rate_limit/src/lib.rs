#![doc = include_str!("../README.md")]

mod buckets;
mod config;
mod debts;
mod key;
mod line;
mod rate_limit;
mod reject;

pub use config::{OnExceeded, RateLimitConfig};
