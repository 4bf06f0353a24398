//! From an event to records: which mappings match, what they make of it, what of that Pinterest gets.

pub(crate) mod derive;
mod ldp;
mod pinterest;
mod record;
mod segment;
mod user_data;
pub(crate) mod wire;

/// A top-level member of a coerced payload, by its place in the field table.
macro_rules! top {
    ($payload:expr, $key:literal) => {
        signalbox_conversions::encode::member_at(
            $payload,
            const { signalbox_conversions::encode::place($crate::action::FIELDS, $key) },
        )
    };
}
use top;

use std::cell::RefCell;
use std::sync::Arc;

use bumpalo::Bump;
use signalbox_core::{ByteSlab, Event, Prepared, Record, Rejection, Resend, Warning};

use signalbox_segment::schema::{Schema, SchemaError};

use crate::action::FIELDS;
use crate::mapping::{Call, CompiledMapping};
use crate::options::Compat;
use crate::reasons;
pub use record::EncodeOptions;
use record::{Buffers, Input, Refusal};
use signalbox_conversions::encode::Stripped;
pub use user_data::{Hashed, UserData};

/// Makes records of events.
#[derive(Debug)]
pub struct Encoder {
    options: EncodeOptions,
    mappings: Vec<CompiledMapping>,
    schema: Schema<'static>,
    slab: ByteSlab,
}

/// What is worked with and kept for the next event, so that an event costs few allocations.
#[derive(Default)]
struct Scratch {
    arena: Bump,
    buffers: Buffers,
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
            slab: ByteSlab::default(),
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
            // Unreachable: nothing in here calls back.
            Err(_) => self.encode_in(event, stripped, &mut Scratch::default()),
        })
    }

    fn encode_in(&self, event: &Event, stripped: &Stripped, scratch: &mut Scratch) -> Prepared {
        // Most events match one mapping; the default capacity of four would take half a kilobyte.
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
                bytes: self.slab.keep(buffers.out.as_bytes()),
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
