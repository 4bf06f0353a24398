//! The state of a record while its parts are written.

use bumpalo::Bump;
use signalbox_conversions::field::Derives;
use signalbox_core::{Sha256Hex, Warning};
use signalbox_segment::value::Value;

use super::super::ldp::Codes;
use super::super::record::EncodeOptions;
use crate::derive::Lookups;

/// A record under construction.
pub(super) struct RecordBuilder<'a, 'b> {
    pub(super) options: &'b EncodeOptions,
    pub(super) derives: Derives,
    /// The parts of the event that fields are derived from.
    pub(super) lookups: Lookups<'a>,
    pub(super) payload: Value<'a>,
    pub(super) custom: Value<'a>,
    /// `custom_data_2` or `custom_data`: where the custom data stands in the mapping.
    pub(super) custom_path: &'static str,
    pub(super) contents: Value<'a>,
    /// A quantity did not fit and was left out: then nothing can be added up.
    pub(super) quantity_dropped: bool,
    /// State and country of an opt-out.
    pub(super) codes: Option<Codes>,
    /// The transforms found an opt-out.
    pub(super) fact: bool,
    pub(super) warnings: &'b mut Vec<Warning>,
    /// For what lasts until the record is written.
    pub(super) arena: &'a Bump,
    pub(super) text: &'b mut String,
    pub(super) hashes: &'b mut Vec<Sha256Hex>,
}
