//! Written forms of values that no vendor owns.

pub mod languages;
mod money;

pub use money::push_money;
