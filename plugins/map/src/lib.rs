#![doc = include_str!("../README.md")]

mod config;
mod map;
mod merge;
mod paths;
mod reject;

pub use config::{MapConfig, Mode};
