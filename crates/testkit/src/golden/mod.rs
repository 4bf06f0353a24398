//! Golden cases: results that Segment's destination of a vendor gave for events, held against those of our sink.
//!
//! A vendor's tests implement [`GoldenVendor`] and call [`vectors`], [`differences`], [`reference()`], [`tables`] and
//! [`personal_values`].
//! `VECTORS_DIR` names another folder with the same layout; then only the cases count, not the lists of the documentation.

mod case;
mod differences;
mod document;
mod imports;
mod parts;
mod privacy;
mod run;
mod tables;
mod vectors;
mod vendor;

pub use case::{Case, Error, Golden, GoldenResult, pairs, same};
pub use differences::differences;
pub use document::{generated, named_reference, reference};
pub use imports::GoldenImport;
pub use privacy::personal_values;
pub use run::{Made, Ran, event, run};
pub use tables::tables;
pub use vectors::{extra_vectors, vectors};
pub use vendor::{GoldenVendor, conversions};
