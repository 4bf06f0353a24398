//! The parts of conversions destinations that no vendor owns.
//!
//! A vendor is a table of fields and presets ([`Spec`]) and the code that directives cannot say. Everything else is here:
//! settings of mappings and their compilation, personal data normalised and hashed, times, written forms of values, the
//! JSON writer, and the import of a destination of Segment's. Pure.

pub mod encode;
pub mod field;
pub mod import;
mod mapping;
pub mod personal;
mod presets;
pub mod reasons;
mod reference;
pub mod settings;
mod spec;
pub mod time;

pub use mapping::{Call, CompiledMapping, Draft, Trigger};
pub use presets::{Listens, Preset};
pub use reference::reference;
pub use spec::{Compat, Spec, set};
