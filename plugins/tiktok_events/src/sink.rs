//! Requests to TikTok, and what its replies mean.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use signalbox_conversions::encode::{Object, StrippedFields};
use signalbox_conversions::field::Derive;
use signalbox_conversions::personal::Field;
use signalbox_conversions::{
    CLOSE, Frames, Refusal, Resolved, Spec, Vendor, Written, unreadable, without_form,
};
use signalbox_core::{Outcome, Reason, Record, Verdict};
use signalbox_http::{Body, Class, HeaderName, Reply, Request, StatusTable, join, retry_after};
use signalbox_segment::value::Value;

use crate::api::{Answer, Meaning, meaning, named_index};
use crate::options::{Compat, ExternalIdCase, TikTok};
use crate::{derive, segment, write};

/// The longest wait that TikTok asks for, after its limit of calls in a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);
/// An event or a request that is not valid. It is also the answer to an empty list of events.
const INVALID_PARAMETER: i64 = 40_002;

impl Vendor for TikTok {
    #[inline]
    fn spec(&self) -> &'static Spec {
        self.layout().spec
    }

    fn compat(&self) -> signalbox_conversions::Compat {
        self.compat.into()
    }

    fn takes_hash(&self, field: Field) -> bool {
        field != Field::ExternalId || self.external_id_case == ExternalIdCase::AsGiven
    }

    fn derive<'a>(&self, derive: Derive, resolved: &Resolved<'a, '_>) -> Value<'a> {
        derive::derive(derive, resolved)
    }

    fn write<'a>(&self, resolved: Resolved<'a, '_>, out: &mut Object<'_>) -> Result<Written<'a>, Refusal> {
        match self.compat {
            Compat::Tiktok => write::write(self, resolved, out),
            Compat::Segment => segment::write(self, resolved, out),
        }
    }

    fn frames(&self) -> &Frames {
        &self.frames
    }

    fn post(&self, body: Body) -> Request {
        Request::json(
            &self.url,
            (HeaderName::from_static("access-token"), &self.access_token),
            body,
        )
    }

    fn interpret(&self, reply: &Reply, _: &[Arc<Record>], _: &StrippedFields) -> Verdict {
        match Answer::read(&reply.body) {
            Some(answer) => self.answered(&answer, reply),
            None if reply.status.is_success() => Verdict::unclear(unreadable(reply, "TikTok")),
            None => without_form(reply, &statuses(), "TikTok"),
        }
    }

    /// An empty list of events, which TikTok refuses after it has accepted the token and the id of the source.
    fn probe(&self) -> Option<Request> {
        Some(self.post(join(self.frames.opening(0), std::iter::empty(), "", CLOSE)))
    }

    fn interpret_probe(&self, reply: &Reply) -> Result<(), Reason> {
        let Some(answer) = Answer::read(&reply.body) else {
            return Err(statuses().reason(reply, ""));
        };
        match meaning(answer.code).0 {
            Meaning::Refused if answer.code == INVALID_PARAMETER => Ok(()),
            Meaning::Accepted if reply.status.is_success() => Ok(()),
            Meaning::Accepted => Err(statuses().reason(reply, answer.words())),
            _ => Err(reason(&answer)),
        }
    }
}

impl TikTok {
    /// Reads a reply by its code. Every failure but throttling may come with any status.
    fn answered(&self, answer: &Answer, reply: &Reply) -> Verdict {
        let reason = reason(answer);
        match meaning(answer.code).0 {
            Meaning::Accepted if reply.status.is_success() => {
                self.doubt.clear();
                Verdict::All(Outcome::delivered())
            }
            Meaning::Accepted => statuses().failure(reply, answer.words()),
            Meaning::Partial => self.doubt.verdict(reason),
            Meaning::Throttled => Verdict::All(Outcome::Retry {
                reason,
                after: retry_after(&reply.headers, SystemTime::now()).map(|wait| wait.min(LONGEST_WAIT)),
                maybe_written: false,
            }),
            Meaning::Operator => Verdict::Hold(reason),
            Meaning::Unclear => Verdict::unclear(reason),
            Meaning::Refused => match named_index(answer.words()) {
                Some(index) => Verdict::Culprit { index, reason },
                None => Verdict::Isolate(reason),
            },
        }
    }
}

/// The meaning of statuses without a code. A 401 alone never holds the sink, since TikTok also throttles with it.
fn statuses() -> StatusTable {
    StatusTable::new().with(Class::Retry, [401])
}

/// Returns the reason of a code, with the remedy where only the operator can end it, and TikTok's own words.
fn reason(answer: &Answer) -> Reason {
    let (_, code, lead) = meaning(answer.code);
    Reason::from_vendor(code, &format!("{lead} (code {})", answer.code), answer.words())
}

#[cfg(test)]
mod tests;
