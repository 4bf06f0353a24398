//! Segment's languages and rules: ingestion, triggers and mappings; pure.
mod action;
pub mod fql;
pub mod ingest;
pub mod mapping;
pub mod placeholder;
pub mod schema;
pub mod settings;
pub mod time;
pub mod value;

pub use placeholder::is_placeholder;
