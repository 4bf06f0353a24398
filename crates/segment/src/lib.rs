//! Segment's languages and rules: ingestion, normalising, hashing, triggers and mappings; pure.
pub mod mapping;
pub mod value;
