//! JSON for events: parsed once into an arena of owned nodes, read without copying, edited in place, written back.
//!
//! `serde_json::Value` costs a map and a string per member (about 145 allocations for a typical order event), loses the
//! spelling of numbers, and would tie every plugin to it. A [`Document`] is two allocations at any size; a [`Node`] is
//! a copyable reference into it.

mod buffer_pool;
mod build;
mod document;
mod edit;
mod kind;
mod parse;
mod path;
mod reader;
mod slot;
mod source;
mod write;
mod writer;

pub use document::{Content, Document, Node, NodeId};
pub use edit::Scalar;
pub use kind::{KeyMark, Kind};
pub use parse::{Lenient, ParseError};
pub use path::Path;
pub use reader::MAX_DEPTH;
pub use write::{push_json_string, write_json_string};
pub use writer::JsonWriter;
pub(crate) use writer::copy;

#[cfg(test)]
mod tests;
