//! Requests to TikTok, and what its replies mean.

use std::sync::Arc;

use serde::Deserialize;
use signalbox_conversions::encode::{Object, StrippedFields};
use signalbox_conversions::{Frame, Refusal, Resolved, Spec, Vendor, Written};
use signalbox_core::{Outcome, Reason, Record, Verdict};
use signalbox_http::{
    Body, Bytes, HeaderMap, HeaderName, HeaderValue, Method, Reply, Request, StatusTable, header,
};

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
        let retry = |code, message: &str| {
            Verdict::All(Outcome::Retry {
                reason: Reason::new(code, message),
                after: None,
                maybe_written: true,
            })
        };
        match answer(reply) {
            Some(Answer { code: 0, .. }) if reply.status.as_u16() == 200 => {
                Verdict::All(Outcome::delivered())
            }
            Some(Answer {
                code: 40_000..=49_999,
                message,
            }) => Verdict::Isolate(Reason::from_vendor(
                "tiktok_refused",
                "TikTok refused the request",
                &message,
            )),
            Some(_) if reply.status.as_u16() == 200 => retry(
                "unknown_code",
                "TikTok answered with a code that this version does not know",
            ),
            None if reply.status.as_u16() == 200 => retry(
                "unreadable_reply",
                "TikTok answered 200, but its body cannot be read",
            ),
            answer => {
                StatusTable::new().failure(reply, &answer.map(|answer| answer.message).unwrap_or_default())
            }
        }
    }

    fn probe(&self) -> Option<Request> {
        // No event is in it, so none can count.
        let Frame { open, close } = self.frame(0);
        Some(self.post(Bytes::from([open, close].concat()).into()))
    }

    fn interpret_probe(&self, reply: &Reply) -> Result<(), Reason> {
        match answer(reply) {
            // TikTok refuses the empty list only after it has accepted token and source.
            Some(Answer { code: 0 | 40_002, .. }) => Ok(()),
            answer => {
                let words = answer.map(|answer| answer.message).unwrap_or_default();
                Err(StatusTable::new().reason(reply, &words))
            }
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
