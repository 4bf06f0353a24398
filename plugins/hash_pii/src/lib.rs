#![doc = include_str!("../README.md")]

mod config;
mod defaults;
mod found;
mod options;
mod plan;
mod reasons;
mod seek;
mod transform;
mod treatment;

pub use config::HashPiiConfig;
pub use options::{HashAs, RuleSet, RuleSets};
