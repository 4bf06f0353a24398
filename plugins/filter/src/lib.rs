#![doc = include_str!("../README.md")]

mod config;
mod filter;
mod reject;

pub use config::FilterConfig;
