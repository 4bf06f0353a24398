//! The encoder: matches an event with mappings, evaluates them, and has the vendor write the records.

use std::cell::RefCell;
use std::sync::Arc;

use bumpalo::Bump;
use signalbox_core::json::JsonWriter;
use signalbox_core::{
    ByteSlab, Event, Firing, MappingOutline, Prepared, Record, Rejection, Resend, Sha256Hex, Warning,
};
use signalbox_segment::schema::{Leniency, Schema};

use crate::encode::{Noted, Object, Stripped};
use crate::event_id;
use crate::hashed::{self, PipelineHashes};
use crate::lookups::Lookups;
use crate::mapping::{Call, CompiledMapping};
use crate::outline;
use crate::product_ids::Products;
use crate::reasons;
use crate::scrub::Scrubbing;
use crate::sources::EVENT_ID;
use crate::spec::Compat;
use crate::summary::Summaries;
use crate::usable::tell_passed_over;
use crate::vendor::{Refusal, Resolved, Vendor};

/// Makes records of events.
#[derive(Debug)]
pub struct Encoder<V> {
    vendor: V,
    mappings: Vec<CompiledMapping>,
    schema: Schema<'static>,
    slab: ByteSlab,
    summaries: Summaries,
    /// The table has fields that the vendor wants plain.
    wants_plain: bool,
    /// The country of people whose event tells none.
    default_country: Option<&'static str>,
    scrubbing: Scrubbing,
    /// The place of the event's id in the table.
    event_id: Option<usize>,
    /// The lists of products in the table.
    products: Vec<Products>,
}

/// Buffers kept for the next event, so that an event costs few allocations.
#[derive(Default)]
struct Scratch {
    arena: Bump,
    buffers: Buffers,
}

#[derive(Default)]
struct Buffers {
    /// The record being written.
    out: JsonWriter,
    /// Its members.
    noted: Noted,
    /// A personal value while it is normalised.
    text: String,
    /// The hashes of one field.
    hashes: Vec<Sha256Hex>,
    key: String,
}

/// Bytes of scratch memory beyond which it is given back after the event that needed it.
const KEEP: usize = 1 << 20;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl<V: Vendor> Encoder<V> {
    /// Makes an encoder with these mappings; an event is tried on each, in their order.
    ///
    /// # Errors
    /// None, as a test of each vendor holds: the field table is well-formed.
    pub fn new(vendor: V, mappings: Vec<CompiledMapping>) -> Result<Encoder<V>, String> {
        let wants_plain = vendor
            .spec()
            .all_rows()
            .any(|(_, row)| row.wants_plain(|field| vendor.takes_hash(field)));
        let scrubbing = match vendor.compat() {
            Compat::Vendor => Scrubbing::of(vendor.spec()),
            Compat::Segment => Scrubbing::default(),
        };
        Ok(Encoder {
            mappings,
            products: Products::of(vendor.spec()),
            event_id: vendor
                .spec()
                .fields
                .iter()
                .position(|field| field.key == EVENT_ID),
            schema: Schema::new(vendor.spec().fields)?,
            slab: ByteSlab::default(),
            summaries: Summaries::new(vendor.spec()),
            vendor,
            wants_plain,
            default_country: None,
            scrubbing,
        })
    }

    /// Leaves URLs and search texts as the event has them if `scrub_urls` is false. Default: personal data and secrets are
    /// taken out, but with `compat = "segment"`.
    #[must_use]
    pub fn scrub_urls(mut self, scrub_urls: bool) -> Encoder<V> {
        if !scrub_urls {
            self.scrubbing = Scrubbing::default();
        }
        self
    }

    /// Sets the country (alpha-2, upper case) whose rules read phone numbers and postal codes of events that tell none.
    /// Default: there is none.
    #[must_use]
    pub fn default_country(mut self, country: Option<&'static str>) -> Encoder<V> {
        self.default_country = country;
        self
    }

    /// Returns the vendor.
    pub fn vendor(&self) -> &V {
        &self.vendor
    }

    /// Returns the names of the mappings, in their order.
    pub fn mapping_names(&self) -> impl Iterator<Item = &str> {
        self.mappings.iter().map(|mapping| &*mapping.name)
    }

    /// Describes the mappings, in their order.
    pub(crate) fn outlines(&self) -> Vec<MappingOutline> {
        let (spec, compat) = (self.vendor.spec(), self.vendor.compat());
        let mappings = self.mappings.iter();
        mappings
            .map(|mapping| outline::outline(mapping, spec, compat))
            .collect()
    }

    /// Tells for each mapping whether it takes the event, and why.
    pub(crate) fn firings(&self, event: &Event) -> Vec<Firing> {
        let mappings = self.mappings.iter();
        mappings.map(|mapping| outline::firing(mapping, event)).collect()
    }

    /// Makes the records of an event, without the properties that are stripped.
    pub fn encode(&self, event: &Event, stripped: &Stripped) -> Prepared {
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
        let mut warnings = event.facts().warnings.clone();
        buffers.out.clear();
        buffers.noted.clear();
        let mut out = Object::open(&mut buffers.out, stripped, &mut buffers.noted);
        let (text, hashes) = (&mut buffers.text, &mut buffers.hashes);
        let written = self
            .resolve(mapping, event, arena, (&mut warnings, text, hashes))
            .and_then(|resolved| self.vendor.write(resolved, &mut out));
        out.close();
        match written {
            Ok(written) => Ok(Record {
                mapping: Arc::clone(&mapping.name),
                dedup_key: written.dedup_key(&mut buffers.key),
                bytes: self.slab.keep(buffers.out.as_bytes()),
                warnings,
                resend: match written.may_count_twice {
                    false => Resend::Safe,
                    true => Resend::MayDuplicate,
                },
                batch_key: written.batch_key,
                expires_at: written.expires_at,
                parts: self.summaries.parts(&buffers.noted, buffers.out.as_bytes()),
            }),
            Err(refusal) => Err((refusal, warnings)),
        }
    }

    /// Evaluates a mapping and coerces its payload to the field table.
    fn resolve<'a, 'b>(
        &'a self,
        mapping: &'a CompiledMapping,
        event: &'a Event,
        arena: &'a Bump,
        (warnings, text, hashes): (&'b mut Vec<Warning>, &'b mut String, &'b mut Vec<Sha256Hex>),
    ) -> Result<Resolved<'a, 'b>, Refusal> {
        let (payload, lookups, dropped, blank) = match self.vendor.compat() {
            Compat::Vendor => {
                let mut failed = Vec::new();
                let compiled = &mapping.planned.mapping;
                let mapped = compiled.look(event.root(), arena).and_then(|found| {
                    let coerced = self.schema.coerce_mapped(compiled, found, arena, &mut failed)?;
                    Ok((found, coerced))
                });
                let (found, mut coerced) =
                    mapped.map_err(|error| reasons::mapping_failed(error.to_string()))?;
                for error in failed {
                    let field = error.field().unwrap_or_default();
                    warnings.push(Warning::new("mapping_failed", field, error.message()));
                }
                let before = warnings.len();
                warnings.extend(coerced.dropped.drain(..).map(reasons::dropped));
                if mapping.planned.sources.maps_event_id {
                    event_id::fall_back(&mut coerced, self.event_id, event, arena, warnings);
                }
                if !coerced.errors.is_empty() {
                    return Err(reasons::required(&coerced.errors).into());
                }
                let dropped = before..warnings.len();
                let lookups = Lookups::new(found, self.vendor.spec().places);
                if coerced.passed_over {
                    tell_passed_over(&mapping.planned.sources, event.root(), lookups, warnings);
                }
                let payload = self.products.iter().fold(coerced.value, |payload, products| {
                    products.mend(payload, (event, &mapping.planned.sources), arena, warnings)
                });
                (payload, lookups, dropped, coerced.blank)
            }
            Compat::Segment => {
                let mapped = mapping.planned.mapping.resolve(event.root(), arena);
                let mapped = mapped.map_err(|error| reasons::mapping_failed(error.to_string()))?;
                let coerced = self.schema.coerce(mapped, arena, Leniency::Segment);
                if !coerced.errors.is_empty() {
                    return Err(reasons::segment_validation(&coerced.errors).into());
                }
                let required = mapping.preset.map_or(&[][..], |preset| preset.required);
                if let Some(field) = required
                    .iter()
                    .find(|field| !coerced.value.get(field).is_defined())
                {
                    return Err(reasons::segment_requires(field).into());
                }
                (coerced.value, Lookups::none(), 0..0, false)
            }
        };
        let rules = self.vendor.spec().rules_of(self.vendor.compat());
        let made = PipelineHashes::of(event, rules.name(), self.wants_plain);
        let payload = match made {
            Some(made) => {
                let takes_hash = |field| self.vendor.takes_hash(field);
                hashed::replace(
                    payload,
                    self.vendor.spec().rows,
                    made,
                    &takes_hash,
                    arena,
                    warnings,
                )
            }
            None => payload,
        };
        let payload = self.scrubbing.apply(payload, arena, warnings);
        Ok(Resolved {
            spec: self.vendor.spec(),
            preset: mapping.preset,
            event,
            payload,
            derives: mapping.derives,
            lookups,
            sources: &mapping.planned.sources,
            arena,
            warnings,
            text,
            hashes,
            dropped,
            scrubbing: &self.scrubbing,
            default_country: self.default_country,
            blank,
            made,
            worth: None,
            currency: None,
        })
    }
}
