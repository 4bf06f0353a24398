//! Builds requests and interprets answers. Pure.

use std::sync::Arc;

use bumpalo::Bump;
use signalbox_core::{
    Event, Firing, Framing, MappingOutline, Outcome, Prepared, Reason, Record, Rejection, Verdict, Warning,
};
use signalbox_http::{Body, Class, Destination, HeaderMap, Reply, Request, StatusTable, Url, header, join};
use signalbox_segment::mapping::Mapping;
use signalbox_segment::settings::{Configured, failed_fields, with_arena};
use signalbox_segment::value::Numbers;

use crate::reasons;
use crate::{Method, Mode};

pub(crate) struct Webhook {
    pub(crate) name: Arc<str>,
    pub(crate) url: Url,
    pub(crate) probe_url: Option<Url>,
    pub(crate) method: Method,
    pub(crate) mode: Mode,
    pub(crate) headers: HeaderMap,
    pub(crate) statuses: StatusTable,
    /// The enabled mappings; `None` if the settings have none, and every event is sent as it is.
    pub(crate) mappings: Option<Vec<Configured>>,
}

impl Webhook {
    fn brackets(&self) -> (&'static str, &'static str) {
        match self.mode {
            Mode::Batch => ("[", "]"),
            // One record a request, which the ceiling of `max_events` holds.
            Mode::Single => ("", ""),
        }
    }
}

impl Destination for Webhook {
    fn encode(&self, event: &Event) -> Prepared {
        let Some(mappings) = &self.mappings else {
            let warnings = event.facts().warnings.clone();
            return Prepared::Mapped(vec![Ok(record(&self.name, whole(event), warnings))]);
        };
        let results: Vec<_> = mappings
            .iter()
            .filter(|mapping| mapping.takes(event))
            .map(|mapping| mapped(mapping, event))
            .collect();
        if results.is_empty() {
            return Prepared::Filtered(reasons::no_trigger_matched());
        }
        Prepared::Mapped(results)
    }

    fn request(&self, records: &[Arc<Record>]) -> Request {
        let (open, close) = self.brackets();
        Request {
            method: match self.method {
                Method::Post => signalbox_http::Method::POST,
                Method::Put => signalbox_http::Method::PUT,
                Method::Patch => signalbox_http::Method::PATCH,
            },
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: join(open, records.iter().map(|record| &record.bytes), ",", close),
        }
    }

    fn mappings(&self) -> Vec<MappingOutline> {
        let mappings = self.mappings.iter().flatten();
        mappings.map(Configured::outline).collect()
    }

    fn firings(&self, event: &Event) -> Vec<Firing> {
        let mappings = self.mappings.iter().flatten();
        mappings.map(|mapping| mapping.firing(event)).collect()
    }

    fn interpret(&self, reply: &Reply, _: &[Arc<Record>]) -> Verdict {
        match self.statuses.class(reply.status) {
            Class::Success => Verdict::All(Outcome::delivered()),
            // The body is not quoted: it may repeat personal data in any form.
            _ => self.statuses.failure(reply, ""),
        }
    }

    fn probe(&self) -> Option<Request> {
        let (method, url) = match &self.probe_url {
            Some(url) => (signalbox_http::Method::GET, url),
            None => (signalbox_http::Method::OPTIONS, &self.url),
        };
        let mut headers = self.headers.clone();
        headers.remove(header::CONTENT_TYPE);
        Some(Request {
            method,
            url: url.clone(),
            headers,
            body: Body::default(),
        })
    }

    fn interpret_probe(&self, reply: &Reply) -> Result<(), Reason> {
        let status = reply.status.as_u16();
        let works = if self.probe_url.is_some() {
            reply.status.is_success()
        } else {
            // Servers that do not know OPTIONS answer 403, 404, 405 or 501. Taken for failures, these would
            // hold the sink forever; taken for successes, they cost one request.
            !matches!(status, 401 | 407 | 500 | 502..=599)
        };
        if works {
            Ok(())
        } else {
            Err(self.statuses.reason(reply, ""))
        }
    }

    fn framing(&self) -> Framing {
        let (open, close) = self.brackets();
        Framing {
            request: open.len() + close.len(),
            separator: 1,
        }
    }
}

/// Evaluates one mapping on an event.
fn mapped(configured: &Configured, event: &Event) -> Result<Record, Rejection> {
    let mut warnings = event.facts().warnings.clone();
    let bytes = match &configured.mapping {
        None => Ok(whole(event)),
        Some(mapping) => with_arena(|arena| shaped(mapping, event, arena, &mut warnings)),
    };
    match bytes {
        Ok(bytes) => Ok(record(&configured.name, bytes, warnings)),
        Err(reason) => Err(Rejection {
            mapping: configured.name.clone(),
            reason,
            warnings,
        }),
    }
}

/// A member that fails is left out; the record goes without it.
fn shaped(
    mapping: &Mapping,
    event: &Event,
    arena: &Bump,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<u8>, Reason> {
    let mut failed = Vec::new();
    let value = mapping
        .resolve_leniently(event.root(), arena, &mut failed)
        .map_err(|error| reasons::mapping_failed(error.message()))?;
    warnings.extend(failed_fields(&failed));
    if value.is_nullish() {
        return Err(reasons::empty_record());
    }
    let mut bytes = Vec::new();
    value.write_json(&mut bytes, Numbers::Source);
    Ok(bytes)
}

fn whole(event: &Event) -> Vec<u8> {
    let mut bytes = Vec::new();
    event.write_to(&mut bytes);
    bytes
}

fn record(mapping: &Arc<str>, bytes: Vec<u8>, warnings: Vec<Warning>) -> Record {
    Record {
        warnings,
        ..Record::new(mapping.clone(), bytes)
    }
}
