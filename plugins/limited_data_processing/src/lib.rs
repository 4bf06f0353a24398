#![doc = include_str!("../README.md")]

mod config;
mod location;
mod opt_out;
mod reject;
mod transform;

pub use config::{LimitedDataProcessingConfig, OnIncomplete, OptOut};
