#![doc = include_str!("../README.md")]

mod config;
mod defaults;
mod hash_pii;
mod plan;
mod reject;

pub use config::{HashAs, HashPiiConfig};
