//! From an event to records: which mappings match, what they make of it, what of that Pinterest gets.

pub(crate) mod derive;
mod languages;
mod ldp;
mod money;
mod pinterest;
mod segment;
mod user_data;
pub(crate) mod wire;
mod writer;

use std::cell::RefCell;
use std::sync::Arc;

use bumpalo::Bump;
use signalbox_core::json::JsonWriter;
use signalbox_core::{Event, Prepared, Reason, Record, Rejection, Resend, Sha256Hex, Shelf, Warning};

use signalbox_segment::schema::{Schema, SchemaError};
use signalbox_segment::value::Value;

use crate::action::FIELDS;
use crate::mapping::{Call, CompiledMapping};
use crate::options::{Compat, LdpHashCase, OnIncomplete};
use crate::reasons;
use crate::stripped_fields::Stripped;
pub use user_data::{Hashed, UserData};

/// The settings that shape a record.
#[derive(Debug, Clone, Default)]
pub struct EncodeOptions {
    /// Whose rules are followed.
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

/// Makes records of events.
#[derive(Debug)]
pub struct Encoder {
    options: EncodeOptions,
    mappings: Vec<CompiledMapping>,
    schema: Schema<'static>,
    shelf: Shelf,
}

/// Why a mapping that matched made no record.
enum Refusal {
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

/// What is worked with and kept for the next event, so that an event costs few allocations.
#[derive(Default)]
struct Scratch {
    arena: Bump,
    buffers: Buffers,
}

#[derive(Default)]
struct Buffers {
    /// The record being written.
    out: JsonWriter,
    /// A personal value while it is normalised.
    text: String,
    /// The hashes of one field.
    hashes: Vec<Sha256Hex>,
    key: String,
}

/// More than this is given back after an event that needed it.
const KEEP: usize = 1 << 20;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Encoder {
    /// An encoder with these mappings; an event is tried on each, in their order.
    ///
    /// # Errors
    /// None, as a test holds: the field table is well-formed.
    pub fn new(options: EncodeOptions, mappings: Vec<CompiledMapping>) -> Result<Encoder, SchemaError> {
        Ok(Encoder {
            options,
            mappings,
            schema: Schema::new(FIELDS)?,
            shelf: Shelf::default(),
        })
    }

    /// The names of its mappings, in their order.
    pub fn mapping_names(&self) -> impl Iterator<Item = &str> {
        self.mappings.iter().map(|mapping| &*mapping.name)
    }

    /// Makes the records of an event.
    pub fn encode(&self, event: &Event) -> Prepared {
        self.encode_without(event, &Stripped::default())
    }

    pub(crate) fn encode_without(&self, event: &Event, stripped: &Stripped) -> Prepared {
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => self.encode_in(event, stripped, &mut scratch),
            // Never so, as nothing in here calls back.
            Err(_) => self.encode_in(event, stripped, &mut Scratch::default()),
        })
    }

    fn encode_in(&self, event: &Event, stripped: &Stripped, scratch: &mut Scratch) -> Prepared {
        // Of most events one mapping makes something; room for four, as a vector has on its own, would be half a kilobyte.
        let mut results = Vec::with_capacity(1);
        let mut dropped = None;
        let call = Call::of(event);
        for mapping in self
            .mappings
            .iter()
            .filter(|mapping| mapping.trigger.fires(&call))
        {
            match self.record(mapping, event, stripped, &scratch.arena, &mut scratch.buffers) {
                Ok(record) => results.push(Ok(record)),
                Err((Refusal::Rejected(reason), warnings)) => {
                    results.push(Err(Rejection {
                        mapping: Arc::clone(&mapping.name),
                        reason,
                        warnings,
                    }));
                }
                Err((Refusal::Dropped(reason), _)) => dropped = Some(reason),
            }
            scratch.arena.reset();
        }
        if scratch.arena.allocated_bytes() > KEEP || scratch.buffers.out.capacity() > KEEP {
            *scratch = Scratch::default();
        }
        match (results.is_empty(), dropped) {
            (false, _) => Prepared::Mapped(results),
            (true, Some(reason)) => Prepared::Filtered(reason),
            (true, None) => Prepared::Filtered(reasons::no_trigger_matched()),
        }
    }

    fn record(
        &self,
        mapping: &CompiledMapping,
        event: &Event,
        stripped: &Stripped,
        arena: &Bump,
        buffers: &mut Buffers,
    ) -> Result<Record, (Refusal, Vec<Warning>)> {
        let mut warnings: Vec<Warning> = event.facts().warnings.iter().map(Warning::from).collect();
        buffers.out.clear();
        let input = Input {
            options: &self.options,
            schema: &self.schema,
            mapping,
            event,
            stripped,
            arena,
        };
        let written = match self.options.compat {
            Compat::Pinterest => pinterest::write(input, buffers, &mut warnings),
            Compat::Segment => segment::write(input, buffers),
        };
        match written {
            Ok(written) => Ok(Record {
                mapping: Arc::clone(&mapping.name),
                dedup_key: written.dedup_key(&mut buffers.key),
                bytes: self.shelf.keep(buffers.out.as_bytes()),
                warnings,
                resend: if written.offline {
                    Resend::MayDuplicate
                } else {
                    Resend::Safe
                },
            }),
            Err(refusal) => Err((refusal, warnings)),
        }
    }
}

/// What a record is made from.
#[derive(Clone, Copy)]
struct Input<'a> {
    options: &'a EncodeOptions,
    schema: &'a Schema<'static>,
    mapping: &'a CompiledMapping,
    event: &'a Event,
    stripped: &'a Stripped,
    arena: &'a Bump,
}

/// The members of a coerced object. It has one for each field, in the order of the field table, and the tables of
/// [`wire`] have the same order, which a test holds: each is the next one.
struct Members<'a>(&'a [(&'a str, Value<'a>)]);

impl<'a> Members<'a> {
    fn of(object: Value<'a>) -> Members<'a> {
        match object {
            Value::Object(members) => Members(members),
            _ => Members(&[]),
        }
    }

    /// The next member, which has this key.
    fn take(&mut self, key: &str) -> Value<'a> {
        let Some(((next, value), rest)) = self.0.split_first() else {
            return Value::Undefined;
        };
        debug_assert_eq!(*next, key);
        self.0 = rest;
        *value
    }
}

/// The items of a coerced list, which the schema has built.
fn list<'a>(value: Value<'a>) -> &'a [Value<'a>] {
    debug_assert!(!matches!(value, Value::Node(_)));
    match value {
        Value::Array(items) => items,
        _ => &[],
    }
}

/// A top-level member of a coerced payload, by its place in the field table.
macro_rules! top {
    ($payload:expr, $key:literal) => {
        match $payload {
            Value::Object(members) => members
                .get(const { $crate::encode::place($key) })
                .map(|(_, value)| *value)
                .into(),
            _ => Value::Undefined,
        }
    };
}
use top;

/// The place of a top-level field in [`FIELDS`].
const fn place(key: &str) -> usize {
    let mut at = 0;
    // Traits are not there at compile time, so neither is `==` of texts.
    while !same(FIELDS[at].key.as_bytes(), key.as_bytes()) {
        at += 1;
    }
    at
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// What the runtime must know of a record beside its bytes.
struct Written<'a> {
    event_name: &'a str,
    event_id: &'a str,
    /// Pinterest does not recognise duplicates of offline events.
    offline: bool,
}

impl Written<'_> {
    fn dedup_key(&self, scratch: &mut String) -> Option<Box<str>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_the_order_in_which_they_are_written() {
        let keys = |field: &str| -> Vec<&str> {
            let fields = crate::action::field(field).and_then(|field| field.properties);
            fields.unwrap().iter().map(|field| field.key).collect()
        };
        let written = |table: &[wire::Wire]| -> Vec<&str> {
            let contents = |wire: &&wire::Wire| wire.kind != wire::Kind::Contents;
            table
                .iter()
                .filter(contents)
                .map(|wire| wire.key.name())
                .collect()
        };
        assert_eq!(keys("custom_data_2"), written(wire::CUSTOM_DATA));
        assert_eq!(
            keys("custom_data").split_last().unwrap().1,
            written(wire::CUSTOM_DATA)
        );
        assert_eq!(keys("contents"), written(wire::CONTENT));
        assert_eq!(keys("app_info"), written(wire::APP_INFO));
        assert_eq!(keys("device_info"), written(wire::DEVICE_INFO));
        let mut people: Vec<&str> = wire::PERSONAL.iter().map(|personal| personal.member).collect();
        people.splice(11..11, ["client_ip_address", "client_user_agent"]);
        people.extend(["click_id", "partner_id"]);
        assert_eq!(keys("user_data"), people);
    }
}
