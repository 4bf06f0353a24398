//! The input of a record, its outcome, and the buffers it is written with.

use bumpalo::Bump;
use signalbox_core::json::JsonWriter;
use signalbox_core::{Event, Reason, Sha256Hex};
use signalbox_segment::schema::Schema;

use crate::options::{LdpHashCase, OnIncomplete};
use signalbox_conversions::encode::Stripped;
use signalbox_conversions::{Compat, CompiledMapping};

/// The settings that shape a record.
#[derive(Debug, Clone, Default)]
pub struct EncodeOptions {
    /// Rules that are followed.
    pub compat: Compat,
    /// `partner_name` of every event, if any.
    pub partner_name: Option<String>,
    /// `custom_data.np` of every event, if any.
    pub np: Option<String>,
    /// Which hashes of state and country an opted-out event carries.
    pub ldp_hash_case: LdpHashCase,
    /// What happens to a mapped opt-out without state or country.
    pub on_incomplete: OnIncomplete,
}

/// Why a mapping that matched made no record.
pub(super) enum Refusal {
    /// It should have: a dead letter.
    Rejected(Reason),
    /// The settings say to let it go.
    Dropped(Reason),
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Refusal::Rejected(reason)
    }
}

/// Buffers kept from event to event.
#[derive(Default)]
pub(super) struct Buffers {
    /// The record being written.
    pub(super) out: JsonWriter,
    /// A personal value while it is normalised.
    pub(super) text: String,
    /// The hashes of one field.
    pub(super) hashes: Vec<Sha256Hex>,
    pub(super) key: String,
}

/// The input of a record.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) options: &'a EncodeOptions,
    pub(super) schema: &'a Schema<'static>,
    pub(super) mapping: &'a CompiledMapping,
    pub(super) event: &'a Event,
    pub(super) stripped: &'a Stripped,
    pub(super) arena: &'a Bump,
}

/// The facts about a record that the runtime needs beside its bytes.
pub(super) struct Written<'a> {
    pub(super) event_name: &'a str,
    pub(super) event_id: &'a str,
    /// Pinterest does not recognise duplicates of offline events.
    pub(super) offline: bool,
}

impl Written<'_> {
    pub(super) fn dedup_key(&self, scratch: &mut String) -> Option<Box<str>> {
        if self.offline || self.event_id.is_empty() {
            return None;
        }
        scratch.clear();
        scratch.push_str(self.event_name);
        scratch.push(' ');
        scratch.push_str(self.event_id);
        Some(scratch.as_str().into())
    }
}
