//! The parts of conversions destinations that no vendor owns.
//!
//! A [`Vendor`] is a table of fields and presets ([`Spec`]) and the code that directives cannot say. This crate holds the
//! rest: settings of mappings and their compilation ([`settings`]), the [`Encoder`], the destination ([`Conversions`]),
//! personal data normalised and hashed ([`mod@personal`]), times, written forms of values, the JSON writer ([`encode`]), and
//! the import of a destination of Segment's ([`import`]). It does no I/O.
//!
//! | step | done by |
//! |---|---|
//! | match the event with presets and triggers | [`Encoder`] |
//! | evaluate the mapping, coerce the payload to the table | [`Encoder`], by [`Spec::fields`] |
//! | replace hashes of the pipeline's by those of the sink's rules | [`Encoder`], by the event's facts |
//! | work out values that are missing | [`Vendor::derive`] |
//! | work out the value of the event and its currency | [`mod@money`] |
//! | write the record | [`Vendor::write`], with the methods of [`Resolved`] |
//! | put records into a request | [`Conversions`], in [`Vendor::frames`] and [`Vendor::post`] |
//! | read the reply | [`Vendor::interpret`] |

pub mod client;
mod common;
pub mod defaults;
mod destination;
pub mod device;
mod doubt;
pub mod encode;
mod encoder;
mod event_id;
mod event_names;
pub mod field;
pub mod forms;
mod frames;
mod hashed;
pub mod import;
pub mod lookups;
mod mapping;
pub mod money;
mod outline;
pub mod page;
mod parent;
pub mod personal;
pub mod place;
mod policy;
mod presets;
mod product_ids;
pub mod products;
mod rated;
pub mod reasons;
mod reference;
mod scrub;
pub mod settings;
mod sources;
mod spec;
mod summary;
mod testing;
pub mod time;
mod traits;
mod usable;
mod values;
mod vendor;
mod whereabouts;

pub use common::{AdvertisingPlaces, ClickPlaces, CommonPlaces, text_value};
pub use destination::{Conversions, refused_properties};
pub use doubt::{Doubt, unreadable, without_form};
pub use encoder::Encoder;
pub use frames::{CLOSE, Frames, Root};
pub use mapping::{CompiledMapping, Draft, Planned, Trigger};
pub use parent::Parent;
pub use policy::OptOutPolicy;
pub use presets::{Listens, Preset};
pub use reference::{reference, sources as sources_table};
pub use sources::Sources;
pub use spec::{Compat, Spec, Testing, set};
pub use usable::{Unusable, usable_text};
pub use vendor::{Refusal, Resolved, Vendor, Written};
pub use whereabouts::Whereabouts;
