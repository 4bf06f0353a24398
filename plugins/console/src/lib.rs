#![doc = include_str!("../README.md")]

mod config;
mod console;
mod reject;

pub use config::{ConsoleConfig, Target};
