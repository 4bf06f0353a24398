//! What a request looks like and what an answer means. Pure.

use std::sync::Arc;

use signalbox_core::{Event, Framing, Outcome, Prepared, Reason, Record, Resend};
use signalbox_http::{
    Answer, Bytes, Class, Destination, HeaderMap, Reply, Request, StatusTable, Url, header, join,
};

use crate::{Method, Mode};

pub(crate) struct Webhook {
    pub(crate) name: Arc<str>,
    pub(crate) url: Url,
    pub(crate) probe_url: Option<Url>,
    pub(crate) method: Method,
    pub(crate) mode: Mode,
    pub(crate) headers: HeaderMap,
    pub(crate) statuses: StatusTable,
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
        let mut bytes = Vec::new();
        event.write_to(&mut bytes);
        let id = event.message_id();
        Prepared::Mapped(vec![Ok(Record {
            mapping: self.name.clone(),
            dedup_key: (!id.is_empty()).then(|| id.into()),
            bytes: bytes.into(),
            warnings: event.facts().warnings.iter().map(Into::into).collect(),
            resend: Resend::Safe,
        })])
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

    fn interpret(&self, reply: &Reply, _: &[Arc<Record>]) -> Answer {
        match self.statuses.class(reply.status) {
            Class::Success => Answer::All(Outcome::delivered()),
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
            body: Bytes::new(),
        })
    }

    fn interpret_probe(&self, reply: &Reply) -> Result<(), Reason> {
        let status = reply.status.as_u16();
        let works = if self.probe_url.is_some() {
            reply.status.is_success()
        } else {
            // Servers that do not know OPTIONS answer 403, 404, 405 or 501. Taken for failures, these would
            // hold the sink for ever; taken for successes, they cost one request.
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
