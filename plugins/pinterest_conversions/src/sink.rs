//! Requests to Pinterest, and what its replies mean.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::IgnoredAny;
use signalbox_conversions::encode::{Object, StrippedFields};
use signalbox_conversions::field::Derive;
use signalbox_conversions::{Frames, Refusal, Resolved, Spec, Testing, Vendor, Written, refused_properties};
use signalbox_core::{Outcome, Reason, Record, Score, Verdict};
use signalbox_http::{Body, Bytes, Reply, Request, ScoreRequest, StatusTable, Url, header};
use signalbox_segment::value::Value;

use crate::api::{EventStatus, Failed, Processed, Status, failed, unexpected_properties, words};
use crate::fields::SPEC;
use crate::options::{Compat, OnUnknownProperty, Pinterest};
use crate::{derive, score, segment, write};

/// A test event that Pinterest checks and does not record. Its e-mail hash is that of
/// `test@example.com`. Pinterest would find a fixed time too old after a week.
fn probe_at(now: SystemTime) -> String {
    // A clock before 1970 is wrong anyway, so 1970 will do.
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!(
        concat!(
            r#"{{"data":[{{"event_name":"checkout","action_source":"web","event_time":{},"event_id":"signalbox-probe","#,
            r#""user_data":{{"em":["973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"]}}}}]}}"#
        ),
        seconds
    )
}

impl Vendor for Pinterest {
    #[inline]
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn compat(&self) -> signalbox_conversions::Compat {
        self.compat.into()
    }

    fn derive<'a>(&self, derive: Derive, resolved: &Resolved<'a, '_>) -> Value<'a> {
        derive::derive(derive, resolved)
    }

    fn write<'a>(&self, resolved: Resolved<'a, '_>, out: &mut Object<'_>) -> Result<Written<'a>, Refusal> {
        match self.compat {
            Compat::Pinterest => write::write(self, resolved, out),
            Compat::Segment => segment::write(self, resolved, out),
        }
    }

    fn frames(&self) -> &Frames {
        &self.frames
    }

    fn post(&self, body: Body) -> Request {
        self.request(&self.url, body)
    }

    fn interpret(&self, reply: &Reply, records: &[Arc<Record>], stripped: &StrippedFields) -> Verdict {
        match reply.status.as_u16() {
            200 => match serde_json::from_slice::<Processed>(&reply.body) {
                Ok(processed) => per_event(processed, records.len()),
                Err(_) => unreadable(reply),
            },
            422 => unprocessable(reply, records),
            // A page comes from a server in between, which cannot judge events.
            400 if serde_json::from_slice::<IgnoredAny>(&reply.body).is_err() => unreadable(reply),
            400 => self.refused(reply, records, stripped),
            401 | 403 | 404 => Verdict::Hold(operator(reply)),
            _ => StatusTable::new().failure(reply, &words(reply)),
        }
    }

    fn testing(&self) -> Option<Testing> {
        Some(Testing::Parameter("test", "true"))
    }

    fn probe(&self) -> Option<Request> {
        let body = Bytes::from(probe_at(SystemTime::now()));
        Some(self.request(&self.probe_url, body.into()))
    }

    fn interpret_probe(&self, reply: &Reply) -> Result<(), Reason> {
        match reply.status.as_u16() {
            // Pinterest may refuse the test event (by its clock it may be too old), but then token and account are
            // fine.
            200 | 400 | 422 => Ok(()),
            401 | 403 | 404 => Err(operator(reply)),
            _ => Err(StatusTable::new().reason(reply, &words(reply))),
        }
    }

    fn score(&self) -> ScoreRequest {
        match &self.scores {
            Some(access) => ScoreRequest::Send(Box::new(access.request())),
            None => ScoreRequest::NotSetUp(
                "With eqs_token, an OAuth access token of Pinterest's with the scope ads:read, the router fetches Pinterest's \
                 own event quality score once an hour, and with it the share of events that the tag on the site sent too.",
            ),
        }
    }

    fn interpret_score(&self, reply: &Reply) -> Result<Vec<Score>, Reason> {
        score::interpret(reply)
    }
}

impl Pinterest {
    fn request(&self, url: &Url, body: Body) -> Request {
        Request::json(url, (header::AUTHORIZATION, &self.authorization), body)
    }

    /// A 400: about a property we can do without, or about one bad event, which the runtime then looks for.
    fn refused(&self, reply: &Reply, records: &[Arc<Record>], stripped: &StrippedFields) -> Verdict {
        let words = words(reply);
        let strip = || refused_properties(&SPEC, unexpected_properties(&words), records, stripped);
        let stripped = match self.on_unknown_property {
            OnUnknownProperty::Strip => strip(),
            OnUnknownProperty::Reject => None,
        };
        stripped.unwrap_or_else(|| StatusTable::new().failure(reply, &words))
    }
}

fn unprocessable(reply: &Reply, records: &[Arc<Record>]) -> Verdict {
    match serde_json::from_slice::<Failed>(&reply.body) {
        Ok(Failed {
            details: Some(processed),
            ..
        }) => per_event(processed, records.len()),
        Ok(failed) => StatusTable::new().failure(reply, &failed.message.unwrap_or_default()),
        Err(_) => unreadable(reply),
    }
}

/// Outcomes from a reply that has one status for each event.
fn per_event(processed: Processed, sent: usize) -> Verdict {
    if processed.events.len() != sent {
        let told = processed.events.len();
        let message = format!("Pinterest answered for {told} events of {sent}");
        return Verdict::unclear(Reason::new("short_reply", message));
    }
    let outcome = |event: EventStatus| match event.status {
        Status::Failed => Outcome::Rejected(Reason::from_vendor(
            "pinterest_rejected",
            "Pinterest refused the event",
            event
                .error_message
                .or(event.warning_message)
                .as_deref()
                .unwrap_or_default(),
        )),
        Status::Processed => Outcome::Delivered {
            warning: event
                .warning_message
                .filter(|words| !words.trim().is_empty())
                .map(|words| {
                    Reason::from_vendor("pinterest_warning", "Pinterest took the event and warns", &words)
                }),
        },
    };
    Verdict::Settled(processed.events.into_iter().map(outcome).collect())
}

fn unreadable(reply: &Reply) -> Verdict {
    let status = reply.status.as_u16();
    let message = format!("Pinterest answered {status}, but its body cannot be read");
    Verdict::unclear(Reason::new("unreadable_reply", message))
}

/// Returns the reason of a failure that only the operator can end, with the remedy.
fn operator(reply: &Reply) -> Reason {
    let Failed { code, message, .. } = failed(reply);
    let words = message.unwrap_or_default();
    // Some gateways answer 403 where the token is at fault; Pinterest's own code then says so.
    match (reply.status.as_u16(), code) {
        (401, _) | (_, Some(2)) => Reason::from_vendor(
            "unauthorized",
            "Pinterest does not accept the token; make a new one in Ads Manager (Conversions, Conversions API) and put \
             it into conversion_token",
            &words,
        ),
        (403, _) => Reason::from_vendor(
            "forbidden",
            "Pinterest accepts the token but not for this ad account; check that ad_account_id is the account the \
             token was made in",
            &words,
        ),
        _ => Reason::from_vendor(
            "not_found",
            "Pinterest knows no such address; check base_url and ad_account_id",
            &words,
        ),
    }
}

#[cfg(test)]
mod tests;
