#![doc = include_str!("../README.md")]

mod config;
mod location;
mod opt_out;
mod options;
mod reasons;
mod transform;

pub use config::{LimitedDataProcessingConfig, OptOut};
pub use options::{OnIncomplete, OnUnknownState};
