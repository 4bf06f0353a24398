//! Records as JSON: the writer, the members of a mapped payload, and written forms of values.

pub mod languages;
mod members;
mod money;
mod stripped;
mod writer;

pub use members::{Members, list, member_at, place, whole};
pub use money::push_money;
pub use stripped::{Stripped, StrippedFields};
pub use writer::{Array, Key, Object};
