//! The parts of conversions destinations that no vendor owns.
//!
//! A vendor is a table of fields and presets ([`Spec`]) and the code that directives cannot say. Everything else is here:
//! settings of mappings and their compilation, personal data normalised and hashed, times, written forms of values, the
//! JSON writer, and the import of a destination of Segment's. Pure.

mod destination;
pub mod encode;
mod encoder;
pub mod field;
pub mod import;
pub mod lookups;
mod mapping;
pub mod personal;
mod presets;
pub mod reasons;
mod reference;
pub mod settings;
mod spec;
pub mod time;
mod values;
mod vendor;

pub use destination::{Conversions, refused_properties};
pub use encoder::Encoder;
pub use mapping::{CompiledMapping, Draft, Trigger};
pub use presets::{Listens, Preset};
pub use reference::reference;
pub use spec::{Compat, Spec, set};
pub use values::Parent;
pub use vendor::{Frame, Refusal, Resolved, Vendor, Written};
