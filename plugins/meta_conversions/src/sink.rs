//! Requests to Meta, and what its replies mean.

use std::sync::Arc;
use std::time::SystemTime;

use signalbox_conversions::encode::{Object, StrippedFields};
use signalbox_conversions::field::Derive;
use signalbox_conversions::personal::Field;
use signalbox_conversions::{Frames, Refusal, Resolved, Spec, Vendor, Written, unreadable, without_form};
use signalbox_core::{Outcome, Reason, Record, Verdict};
use signalbox_http::{Body, Bytes, Reply, Request, StatusTable, header, retry_after};
use signalbox_segment::value::Value;

use crate::api::{Fate, GraphError, Meaning, Received, regained_after};
use crate::options::{Compat, ExternalId, Meta};
use crate::{derive, segment, write};

impl Vendor for Meta {
    fn spec(&self) -> &'static Spec {
        self.compat.spec()
    }

    fn compat(&self) -> signalbox_conversions::Compat {
        self.compat.into()
    }

    fn takes_hash(&self, field: Field) -> bool {
        field != Field::ExternalId || self.external_id == ExternalId::Sha256
    }

    fn derive<'a>(&self, derive: Derive, resolved: &Resolved<'a, '_>) -> Value<'a> {
        derive::derive(derive, resolved)
    }

    fn write<'a>(&self, resolved: Resolved<'a, '_>, out: &mut Object<'_>) -> Result<Written<'a>, Refusal> {
        match self.compat {
            Compat::Meta => write::write(self, resolved, out),
            Compat::Segment => segment::write(self, resolved, out),
        }
    }

    fn frames(&self) -> &Frames {
        &self.frames
    }

    fn post(&self, body: Body) -> Request {
        Request::json(&self.url, (header::AUTHORIZATION, &self.authorization), body)
    }

    fn interpret(&self, reply: &Reply, records: &[Arc<Record>], _: &StrippedFields) -> Verdict {
        self.learnt.headers(&reply.headers);
        if reply.status.as_u16() == 200 {
            return match Received::read(&reply.body) {
                Some(received) => self.received(received, records.len()),
                None => Verdict::unclear(unreadable(reply, "Meta")),
            };
        }
        match GraphError::read(&reply.body) {
            Some(error) => refused(reply, &error),
            None => without_form(reply, &StatusTable::new(), "Meta"),
        }
    }

    /// An empty list of events, about which Meta can complain only once token and dataset are in order. Even test events
    /// would count.
    fn probe(&self) -> Option<Request> {
        Some(self.post(Bytes::from_static(b"{\"data\":[]}").into()))
    }

    fn interpret_probe(&self, reply: &Reply) -> Result<(), Reason> {
        let error = GraphError::read(&reply.body).unwrap_or_default();
        match error.meaning() {
            _ if reply.status.as_u16() == 200 => Ok(()),
            Some(Meaning(Fate::Isolate, ..)) => Ok(()),
            Some(meaning) => Err(error.reason(&meaning)),
            None => Err(StatusTable::new().reason(reply, &error.words)),
        }
    }

    fn notes(&self) -> Vec<String> {
        self.learnt.notes()
    }
}

impl Meta {
    /// All events are delivered if Meta has received as many as were sent.
    fn received(&self, received: Received, sent: usize) -> Verdict {
        if usize::try_from(received.events) != Ok(sent) {
            let events = received.events;
            let message = format!("Meta says that it received {events} events of the {sent} sent");
            return self
                .learnt
                .miscounts
                .verdict(Reason::new("miscounted_reply", message));
        }
        self.learnt.miscounts.clear();
        // The messages are about the request, so they count once.
        let warning = (!received.messages.is_empty()).then(|| {
            let words = received.messages.join("; ");
            Reason::from_vendor("meta_message", "Meta took the events and says", &words)
        });
        let mut outcomes = vec![Outcome::delivered(); sent];
        if let Some(first) = outcomes.first_mut() {
            *first = Outcome::Delivered { warning };
        }
        Verdict::Settled(outcomes)
    }
}

fn refused(reply: &Reply, error: &GraphError) -> Verdict {
    let Some(meaning) = error.meaning() else {
        return StatusTable::new().failure(reply, &error.words);
    };
    let reason = error.reason(&meaning);
    match meaning.0 {
        Fate::Isolate => Verdict::Isolate(reason),
        Fate::Hold => Verdict::Hold(reason),
        fate => Verdict::All(Outcome::Retry {
            reason,
            after: retry_after(&reply.headers, SystemTime::now()).max(regained_after(&reply.headers)),
            maybe_written: fate == Fate::Retry,
        }),
    }
}

#[cfg(test)]
mod tests;
