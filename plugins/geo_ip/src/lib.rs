#![doc = include_str!("../README.md")]

mod config;
mod database;
mod reasons;
mod renewal;
mod transform;

pub use config::GeoIpConfig;
