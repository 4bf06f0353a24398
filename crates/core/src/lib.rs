//! The contract of Signalbox.
pub mod json;
pub mod reason;
pub mod secret;
pub mod hash;
pub mod units;
pub use hash::Sha256Hex;
pub use json::{Document, Kind, Node, NodeId, Path, Scalar};
pub use reason::{Reason, Warning};
pub use secret::Secret;
