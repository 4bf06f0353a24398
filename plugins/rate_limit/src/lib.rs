#![doc = include_str!("../README.md")]

mod buckets;
mod config;
mod debts;
mod key;
mod line;
mod options;
mod reasons;
mod transform;

pub use config::RateLimitConfig;
pub use options::OnExceeded;
