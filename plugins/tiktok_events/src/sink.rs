//! Requests to TikTok, and what its replies mean.

use std::sync::Arc;

use serde::Deserialize;
use signalbox_conversions::encode::{Object, StrippedFields};
use signalbox_conversions::{Frame, Refusal, Resolved, Spec, Vendor, Written};
use signalbox_core::{Outcome, Reason, Record, Verdict};
use signalbox_http::{Body, HeaderMap, HeaderName, HeaderValue, Method, Reply, Request, StatusTable, header};

use crate::options::TikTok;
use crate::segment;

impl Vendor for TikTok {
    #[inline]
    fn spec(&self) -> &'static Spec {
        self.layout().spec
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
        let headers = HeaderMap::from_iter([
            (HeaderName::from_static("access-token"), self.access_token.clone()),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]);
        Request {
            method: Method::POST,
            url: self.url.clone(),
            headers,
            body,
        }
    }

    fn interpret(&self, reply: &Reply, _: &[Arc<Record>], _: &StrippedFields) -> Verdict {
        let words = || answer(reply).map(|answer| answer.message).unwrap_or_default();
        match (reply.status.as_u16(), answer(reply)) {
            (200, Some(Answer { code: 0, .. })) => Verdict::All(Outcome::delivered()),
            (200, Some(answer)) => Verdict::Isolate(Reason::from_vendor(
                "tiktok_refused",
                "TikTok refused the request",
                &answer.message,
            )),
            (200, None) => Verdict::All(Outcome::Retry {
                reason: Reason::new(
                    "unreadable_reply",
                    "TikTok answered 200, but its body cannot be read",
                ),
                after: None,
                maybe_written: true,
            }),
            _ => StatusTable::new().failure(reply, &words()),
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    code: i64,
    #[serde(default)]
    message: String,
}

fn answer(reply: &Reply) -> Option<Answer> {
    serde_json::from_slice(&reply.body).ok()
}
