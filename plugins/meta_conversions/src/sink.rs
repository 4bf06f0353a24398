//! Requests to Meta, and what its replies mean.

use std::sync::Arc;

use serde::Deserialize;
use signalbox_conversions::encode::{Object, StrippedFields};
use signalbox_conversions::{Frame, Refusal, Resolved, Spec, Vendor, Written};
use signalbox_core::{Outcome, Reason, Record, Verdict};
use signalbox_http::{Body, Bytes, HeaderMap, HeaderValue, Method, Reply, Request, StatusTable, header};

use crate::fields::{SEGMENT_SPEC, SPEC};
use crate::options::{Compat, Meta};
use crate::segment;

impl Vendor for Meta {
    fn spec(&self) -> &'static Spec {
        match self.compat {
            Compat::Meta => &SPEC,
            Compat::Segment => &SEGMENT_SPEC,
        }
    }

    fn compat(&self) -> signalbox_conversions::Compat {
        self.compat.into()
    }

    fn write<'a>(&self, resolved: Resolved<'a, '_>, out: &mut Object<'_>) -> Result<Written<'a>, Refusal> {
        segment::write(self, resolved, out)
    }

    fn frame(&self, batch_key: u16) -> Frame<'_> {
        self.frames.get(batch_key)
    }

    fn longest_frame(&self) -> usize {
        self.frames.longest()
    }

    fn post(&self, body: Body) -> Request {
        let mut headers = HeaderMap::with_capacity(2);
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Request {
            method: Method::POST,
            url: self.url.clone(),
            headers,
            body,
        }
    }

    fn interpret(&self, reply: &Reply, records: &[Arc<Record>], _: &StrippedFields) -> Verdict {
        match reply.status.as_u16() {
            200 => match serde_json::from_slice::<Received>(&reply.body) {
                Ok(received) if received.events_received == records.len() => {
                    Verdict::All(Outcome::delivered())
                }
                _ => Verdict::All(Outcome::Retry {
                    reason: Reason::new(
                        "unclear_reply",
                        "Meta answered 200, but does not say that it received the events",
                    ),
                    after: None,
                    maybe_written: true,
                }),
            },
            _ => StatusTable::new().failure(reply, ""),
        }
    }

    /// An empty list of events: Meta finds it invalid, and has accepted the token by then.
    fn probe(&self) -> Option<Request> {
        let body = Bytes::from_static(b"{\"data\":[]}");
        Some(self.post(body.into()))
    }

    fn interpret_probe(&self, reply: &Reply) -> Result<(), Reason> {
        let error = serde_json::from_slice::<Failed>(&reply.body).map(|failed| failed.error);
        match error {
            Ok(error) if error.code == 100 && error.error_subcode != Some(33) => Ok(()),
            _ if reply.status.is_success() => Ok(()),
            _ => Err(StatusTable::new().reason(reply, "")),
        }
    }
}

/// The body of a failure.
#[derive(Debug, Deserialize)]
struct Failed {
    error: GraphError,
}

/// An error of the Graph API.
#[derive(Debug, Deserialize)]
struct GraphError {
    code: i64,
    #[serde(default)]
    error_subcode: Option<i64>,
}

/// The body of a 200.
#[derive(Debug, Deserialize)]
struct Received {
    events_received: usize,
}
