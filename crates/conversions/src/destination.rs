//! The destination of any vendor: records from events, requests from records.

use std::sync::Arc;

use signalbox_core::{
    Event, Firing, Framing, MappingOutline, Prepared, Rated, Reason, Record, Score, TestMode, Verdict,
};
use signalbox_http::{Destination, Reply, Request, ScoreRequest, join};

use crate::encode::StrippedFields;
use crate::encoder::Encoder;
use crate::frames::CLOSE;
use crate::rated::rated;
use crate::spec::Spec;
use crate::testing;
use crate::vendor::Vendor;

const SEPARATOR: &str = ",";

/// A vendor's sink without its client.
#[derive(Debug)]
pub struct Conversions<V> {
    encoder: Encoder<V>,
    stripped: StrippedFields,
}

impl<V> Conversions<V> {
    /// Makes the destination.
    pub fn new(encoder: Encoder<V>) -> Conversions<V> {
        Conversions {
            encoder,
            stripped: StrippedFields::default(),
        }
    }

    /// Returns the encoder.
    pub fn encoder(&self) -> &Encoder<V> {
        &self.encoder
    }
}

impl<V: Vendor> Destination for Conversions<V> {
    fn encode(&self, event: &Event) -> Prepared {
        self.encoder.encode(event, &self.stripped.now())
    }

    fn request(&self, records: &[Arc<Record>]) -> Request {
        let vendor = self.encoder.vendor();
        let key = records.first().map_or(0, |record| record.batch_key);
        let records = records.iter().map(|record| &record.bytes);
        vendor.post(join(vendor.frames().opening(key), records, SEPARATOR, CLOSE))
    }

    fn interpret(&self, reply: &Reply, records: &[Arc<Record>]) -> Verdict {
        self.encoder.vendor().interpret(reply, records, &self.stripped)
    }

    fn probe(&self) -> Option<Request> {
        self.encoder.vendor().probe()
    }

    fn interpret_probe(&self, reply: &Reply) -> Result<(), Reason> {
        self.encoder.vendor().interpret_probe(reply)
    }

    fn framing(&self) -> Framing {
        Framing {
            request: self.encoder.vendor().frames().longest(),
            separator: SEPARATOR.len(),
        }
    }

    fn mappings(&self) -> Vec<MappingOutline> {
        self.encoder.outlines()
    }

    fn firings(&self, event: &Event) -> Vec<Firing> {
        self.encoder.firings(event)
    }

    fn test_mode(&self) -> Option<TestMode> {
        testing::mode(self.encoder.vendor())
    }

    fn test_request(&self, record: &Record, code: Option<&str>) -> Option<Request> {
        testing::request(self.encoder.vendor(), (record.batch_key, &record.bytes), code)
    }

    fn interpret_test(&self, reply: &Reply, record: &Arc<Record>) -> Verdict {
        // A test teaches the sink nothing about properties that the vendor refuses.
        let unused = StrippedFields::default();
        self.encoder
            .vendor()
            .interpret(reply, std::slice::from_ref(record), &unused)
    }

    fn rated(&self, event_name: &str) -> Option<Rated> {
        Some(rated(self.encoder.vendor().spec(), event_name))
    }

    fn score(&self) -> ScoreRequest {
        self.encoder.vendor().score()
    }

    fn interpret_score(&self, reply: &Reply) -> Result<Vec<Score>, Reason> {
        self.encoder.vendor().interpret_score(reply)
    }

    fn notes(&self) -> Vec<String> {
        let stripped = self.stripped.now();
        let vendor = self.encoder.vendor().spec().vendor;
        let note =
            |name: &&str| format!("{vendor} refused the property \"{name}\"; it is left out since then");
        let mut notes = self.encoder.vendor().notes();
        notes.extend(stripped.names().iter().map(note));
        notes
    }
}

/// Strips the properties that the vendor refused by these names, as far as records can do without them. `None` if there are
/// none of these in the records, so that something else is wrong with them.
pub fn refused_properties<'n>(
    spec: &Spec,
    names: impl Iterator<Item = &'n str>,
    records: &[Arc<Record>],
    stripped: &StrippedFields,
) -> Option<Verdict> {
    let names: Vec<&'static str> = names
        .filter_map(|name| spec.strippable(name))
        .filter(|name| records.iter().any(|record| has_key(&record.bytes, name)))
        .collect();
    if names.is_empty() {
        return None;
    }
    stripped.strip(&names);
    let (vendor, names) = (spec.vendor, names.join(", "));
    let message = format!("{vendor} does not know the property {names}; it is left out from now on");
    Some(Verdict::Reencode(Reason::new("property_stripped", message)))
}

fn has_key(record: &[u8], name: &str) -> bool {
    memchr::memmem::find_iter(record, name.as_bytes()).any(|at| {
        let end = at + name.len();
        at > 0 && record[at - 1] == b'"' && record[end..].starts_with(b"\":")
    })
}
