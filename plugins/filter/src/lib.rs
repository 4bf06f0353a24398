#![doc = include_str!("../README.md")]

mod config;
mod reasons;
mod transform;

pub use config::FilterConfig;
