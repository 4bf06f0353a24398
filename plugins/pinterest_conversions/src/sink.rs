//! Requests to Pinterest, and what its replies mean.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use signalbox_core::{Event, Framing, Outcome, Prepared, Reason, Record, Verdict};
use signalbox_http::{
    Body, Bytes, Destination, HeaderMap, HeaderValue, Method, Reply, Request, StatusTable, Url,
};
use signalbox_http::{header, join};

use crate::api::{Failed, Processed, Status, unexpected_properties};
use crate::encode::Encoder;
use crate::fields::SPEC;
use crate::options::OnUnknownProperty;
use signalbox_conversions::encode::StrippedFields;

const OPEN: &str = "{\"data\":[";
const SEPARATOR: &str = ",";
const CLOSE: &str = "]}";

/// A test event that Pinterest checks and does not record. Its e-mail hash, sha256("test@example.com"), belongs to
/// nobody. Pinterest would find a fixed time too old after a week.
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

/// The sink without its client.
#[derive(Debug)]
pub struct PinterestConversions {
    pub(crate) encoder: Encoder,
    pub(crate) url: Url,
    pub(crate) probe_url: Url,
    /// Marked as sensitive.
    pub(crate) authorization: HeaderValue,
    pub(crate) on_unknown_property: OnUnknownProperty,
    pub(crate) learned: StrippedFields,
}

impl Destination for PinterestConversions {
    fn encode(&self, event: &Event) -> Prepared {
        self.encoder.encode_without(event, &self.learned.now())
    }

    fn request(&self, records: &[Arc<Record>]) -> Request {
        let body = join(OPEN, records.iter().map(|record| &record.bytes), SEPARATOR, CLOSE);
        self.post(self.url.clone(), body)
    }

    fn interpret(&self, reply: &Reply, records: &[Arc<Record>]) -> Verdict {
        match reply.status.as_u16() {
            200 => match serde_json::from_slice::<Processed>(&reply.body) {
                Ok(processed) => per_event(processed, records.len()),
                Err(_) => unreadable(reply),
            },
            422 => self.unprocessable(reply, records),
            400 => self.refused(reply, records),
            401 | 403 | 404 => Verdict::Hold(operator(reply)),
            _ => StatusTable::new().failure(reply, &words(reply)),
        }
    }

    fn probe(&self) -> Option<Request> {
        let body = Bytes::from(probe_at(SystemTime::now()));
        Some(self.post(self.probe_url.clone(), body.into()))
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

    fn framing(&self) -> Framing {
        Framing {
            request: OPEN.len() + CLOSE.len(),
            separator: SEPARATOR.len(),
        }
    }

    fn notes(&self) -> Vec<String> {
        let stripped = self.learned.now();
        let note =
            |name: &&str| format!("Pinterest refused the property \"{name}\"; it is left out since then");
        stripped.names().iter().map(note).collect()
    }
}

impl PinterestConversions {
    fn post(&self, url: Url, body: Body) -> Request {
        let mut headers = HeaderMap::with_capacity(2);
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Request {
            method: Method::POST,
            url,
            headers,
            body,
        }
    }

    fn unprocessable(&self, reply: &Reply, records: &[Arc<Record>]) -> Verdict {
        match serde_json::from_slice::<Failed>(&reply.body) {
            Ok(Failed {
                details: Some(processed),
                ..
            }) => per_event(processed, records.len()),
            Ok(failed) => StatusTable::new().failure(reply, &failed.message.unwrap_or_default()),
            Err(_) => unreadable(reply),
        }
    }

    /// A 400: about a property we can do without, or about one bad event, which the runtime then looks for.
    fn refused(&self, reply: &Reply, records: &[Arc<Record>]) -> Verdict {
        let words = words(reply);
        if self.on_unknown_property == OnUnknownProperty::Strip {
            let names: Vec<&'static str> = unexpected_properties(&words)
                .filter_map(|name| SPEC.strippable(name))
                // One that these records do not have cannot be what is wrong with them.
                .filter(|name| records.iter().any(|record| has_key(&record.bytes, name)))
                .collect();
            if !names.is_empty() {
                self.learned.strip(&names);
                return Verdict::Reencode(Reason::new(
                    "property_stripped",
                    format!(
                        "Pinterest does not know the property {}; it is left out from now on",
                        names.join(", ")
                    ),
                ));
            }
        }
        StatusTable::new().failure(reply, &words)
    }
}

fn has_key(record: &[u8], name: &str) -> bool {
    memchr::memmem::find_iter(record, name.as_bytes()).any(|at| {
        let end = at + name.len();
        at > 0 && record[at - 1] == b'"' && record[end..].starts_with(b"\":")
    })
}

/// Outcomes from a reply that has one status for each event.
fn per_event(processed: Processed, sent: usize) -> Verdict {
    if processed.events.len() != sent {
        return Verdict::All(Outcome::Retry {
            reason: Reason::new(
                "short_reply",
                format!(
                    "Pinterest answered for {} events of {sent}",
                    processed.events.len()
                ),
            ),
            after: None,
            maybe_written: true,
        });
    }
    let outcome = |event: crate::api::EventStatus| match event.status {
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
    Verdict::All(Outcome::Retry {
        reason: Reason::new(
            "unreadable_reply",
            format!(
                "Pinterest answered {}, but its body cannot be read",
                reply.status.as_u16()
            ),
        ),
        after: None,
        maybe_written: true,
    })
}

/// Pinterest's own words about a failure, if the body is in its form.
fn words(reply: &Reply) -> String {
    failed(reply).message.unwrap_or_default()
}

fn failed(reply: &Reply) -> Failed {
    serde_json::from_slice(&reply.body).unwrap_or_default()
}

/// Failures that only the operator can end: what is wrong and what to do.
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
