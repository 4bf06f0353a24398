//! From an event to records: which mappings match, what they make of it, what of that Pinterest gets.

mod ldp;
mod pinterest;
mod record;
mod segment;

/// A top-level member of a coerced payload, by its place in the field table.
macro_rules! top {
    ($payload:expr, $key:literal) => {
        signalbox_conversions::encode::member_at(
            $payload,
            const { signalbox_conversions::encode::place($crate::fields::FIELDS, $key) },
        )
    };
}
use top;

use std::cell::RefCell;
use std::sync::Arc;

use bumpalo::Bump;
use signalbox_core::{ByteSlab, Event, Prepared, Record, Rejection, Resend, Warning};

use signalbox_segment::schema::{Schema, SchemaError};

use crate::fields::FIELDS;
pub use record::EncodeOptions;
use record::{Buffers, Input, Refusal};
use signalbox_conversions::encode::Stripped;
use signalbox_conversions::{Call, Compat, CompiledMapping, reasons};

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
            Compat::Vendor => pinterest::write(input, buffers, &mut warnings),
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
