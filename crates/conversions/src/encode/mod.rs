//! Records as JSON: the writer, the members of a mapped payload, and written forms of values.

mod flat;
pub mod languages;
mod members;
mod money;
mod noted;
mod segment;
mod stripped;
mod user_data;
mod wire;
mod writer;

pub use flat::{count_wires, placed_personal, placed_wires};
pub(crate) use members::is_prefix;
pub use members::{Members, NO_PLACE, list, member_at, place, place_if_any, whole};
pub use money::push_money;
pub(crate) use noted::{Noted, Role, Zone};
pub use segment::{
    is_segment_currency, null_context, segment_contents, segment_member, segment_members, segment_value,
};
pub use stripped::{Stripped, StrippedFields};
pub use user_data::{Hashed, HashedKey, PlainKey, UserData};
pub use wire::{PersonalField, TextKind, Wire, count_hashed, personal, wires};
pub use writer::{Array, Key, Object};
