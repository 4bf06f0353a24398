//! The interface of a vendor: its table, and the code that directives cannot say.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use bumpalo::Bump;
use signalbox_core::{Event, Reason, Record, Score, Sha256Hex, Verdict, Warning};
use signalbox_http::{Body, Reply, Request, ScoreRequest, StatusTable};
use signalbox_segment::value::Value;

use crate::encode::{Object, StrippedFields, Wire};
use crate::field::{Derive, Derives};
use crate::frames::Frames;
use crate::hashed::PipelineHashes;
use crate::lookups::Lookups;
use crate::money::Worth;
use crate::parent::Parent;
use crate::personal;
use crate::presets::Preset;
use crate::scrub::Scrubbing;
use crate::sources::Sources;
use crate::spec::{Compat, Spec, Testing};
use crate::whereabouts::Whereabouts;

/// A conversions API. The kit matches events with mappings, evaluates them, coerces their payload to the field table, and
/// hands the result to [`write`](Vendor::write); it sends records in one of the [`frames`](Vendor::frames).
pub trait Vendor: std::fmt::Debug + Send + Sync + 'static {
    /// Returns the vendor's data. A vendor with several tables of fields chooses one by its settings.
    fn spec(&self) -> &'static Spec;

    /// Returns the rules that this sink follows. Default: the vendor's own.
    fn compat(&self) -> Compat {
        Compat::Vendor
    }

    /// Works out a value that the mapping left empty; undefined if the event does not tell. Called only for rows that name
    /// one ([`Row::derived`](crate::field::Row::derived)). Default: undefined.
    fn derive<'a>(&self, _derive: Derive, _resolved: &Resolved<'a, '_>) -> Value<'a> {
        Value::Undefined
    }

    /// Returns false for a hashed field of which this sink's settings want another form than the hash by the rules of the
    /// table, so that a hash of the pipeline's does not serve it. Default: true.
    fn takes_hash(&self, _field: personal::Field) -> bool {
        true
    }

    /// Writes the record of an event.
    ///
    /// # Errors
    /// The reason why no record is made.
    fn write<'a>(&self, resolved: Resolved<'a, '_>, out: &mut Object<'_>) -> Result<Written<'a>, Refusal>;

    /// Returns the texts around the records of a request, which all have the same key ([`Written::batch_key`]).
    fn frames(&self) -> &Frames;

    /// Makes the request that carries a body.
    fn post(&self, body: Body) -> Request;

    /// Reads the reply about these records, in their order. Nothing is delivered unless the reply says so. Properties that
    /// the vendor refuses by name can be left out from then on ([`refused_properties`](crate::refused_properties)).
    fn interpret(&self, reply: &Reply, records: &[Arc<Record>], stripped: &StrippedFields) -> Verdict;

    /// Returns a request that shows if deliveries can work now, and delivers nothing. Default: there is none.
    fn probe(&self) -> Option<Request> {
        None
    }

    /// Reads the reply to the probe. Default: every reply says that deliveries can work.
    ///
    /// # Errors
    /// The reason why deliveries cannot work.
    fn interpret_probe(&self, _reply: &Reply) -> Result<(), Reason> {
        Ok(())
    }

    /// Returns the request that asks how the vendor rates the events that it got. Default: it cannot be asked.
    fn score(&self) -> ScoreRequest {
        ScoreRequest::None
    }

    /// Reads the reply to the request of [`score`](Vendor::score). Default: no reply has scores.
    ///
    /// # Errors
    /// The reason why there are none.
    fn interpret_score(&self, reply: &Reply) -> Result<Vec<Score>, Reason> {
        Err(StatusTable::new().reason(reply, ""))
    }

    /// Tells how the vendor wants test events marked. Default: by the code of a field ([`Row::test_code`](crate::field::Row)),
    /// if there is one.
    fn testing(&self) -> Option<Testing> {
        self.spec().testing()
    }

    /// Returns facts learnt from replies, for the status. Default: none.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The payload that a mapping gave for an event, and the tools to write it with.
pub struct Resolved<'a, 'b> {
    /// The vendor's data.
    pub spec: &'static Spec,
    /// The preset that the mapping begins from.
    pub preset: Option<&'static Preset>,
    /// The event.
    pub event: &'a Event,
    /// The payload, coerced to the field table.
    pub payload: Value<'a>,
    /// The values to derive.
    pub derives: Derives,
    /// The places in the event that values are derived from.
    pub lookups: Lookups<'a>,
    /// The sources of the fields that keep their default.
    pub(crate) sources: &'a Sources,
    /// Memory for values that last until the record is written.
    pub arena: &'a Bump,
    /// Warnings for the record.
    pub warnings: &'b mut Vec<Warning>,
    /// A buffer for one text.
    pub text: &'b mut String,
    /// The hashes of one personal field.
    pub hashes: &'b mut Vec<Sha256Hex>,
    /// The fields of which personal data and secrets are taken out.
    pub(crate) scrubbing: &'a Scrubbing,
    /// The country of people whose event tells none.
    pub(crate) default_country: Option<&'static str>,
    /// The schema left out a text of white space alone.
    pub(crate) blank: bool,
    /// The warnings about values that the schema dropped.
    pub(crate) dropped: Range<usize>,
    /// The hashes that transforms made by other rules; those of the payload are replaced already.
    pub(crate) made: Option<PipelineHashes<'a>>,
    /// The worth of the event, kept after it was worked out.
    pub(crate) worth: Option<Worth<'a>>,
    /// Its currency, once worked out.
    pub(crate) currency: Option<Value<'a>>,
}

impl<'a> Resolved<'a, '_> {
    /// Returns a member's value, or the one derived in its place. `parent` is the object that the member stands in.
    #[inline]
    pub fn or_derived<V: Vendor>(
        &mut self,
        vendor: &V,
        wire: &Wire,
        value: Value<'a>,
        parent: Parent,
    ) -> Value<'a> {
        match wire.derive {
            Some(derive) if derive.is_of_kit() && self.derives.has(derive) => match derive {
                Derive::WORTH if value.is_defined() => value,
                Derive::WORTH => self.worth(parent).value,
                _ => self.currency(value, parent),
            },
            Some(derive) if !value.is_defined() => self.derived(vendor, derive),
            _ => value,
        }
    }

    /// Returns a derived value; undefined where the mapping keeps it from being derived.
    #[inline]
    pub fn derived<V: Vendor>(&self, vendor: &V, derive: Derive) -> Value<'a> {
        if self.derives.has(derive) {
            vendor.derive(derive, self)
        } else {
            Value::Undefined
        }
    }

    /// Returns the place of the event's person.
    pub(crate) fn whereabouts(&self) -> Whereabouts<'a> {
        Whereabouts::of(self.event.root(), self.default_country).mapped(self.spec, self.payload)
    }

    /// Adds a warning about a field.
    pub fn warn(&mut self, code: &'static str, path: impl Into<String>, message: &'static str) {
        self.warnings.push(Warning::new(code, path, message));
    }

    /// Returns true if the schema dropped a value whose path ends like this.
    pub fn has_dropped(&self, end: &str) -> bool {
        let dropped = self.warnings.get(self.dropped.clone()).unwrap_or_default();
        dropped.iter().any(|warning| warning.path.ends_with(end))
    }
}

/// The facts about a record that the runtime needs beside its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written<'a> {
    /// The vendor's name of the conversion.
    pub event_name: &'a str,
    /// The id by which duplicates are recognised; empty if every copy is to be sent.
    pub event_id: &'a str,
    /// True if the vendor may count a second copy of this event as another one.
    pub may_count_twice: bool,
    /// The key of requests, see [`Record::batch_key`].
    pub batch_key: u16,
    /// Unix seconds from which on the vendor refuses the event for its age.
    pub expires_at: Option<NonZeroU32>,
}

impl Written<'_> {
    pub(crate) fn dedup_key(&self, scratch: &mut String) -> Option<Box<str>> {
        if self.event_id.is_empty() {
            return None;
        }
        scratch.clear();
        scratch.push_str(self.event_name);
        scratch.push(' ');
        scratch.push_str(self.event_id);
        Some(scratch.as_str().into())
    }
}

/// The reason why a mapping that matched made no record.
#[derive(Debug)]
pub enum Refusal {
    /// The event becomes a dead letter.
    Rejected(Reason),
    /// The settings filter the event out.
    Dropped(Reason),
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Refusal::Rejected(reason)
    }
}
