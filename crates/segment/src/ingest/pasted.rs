//! Reads texts that people give by hand as a source would: for `dry-run` and the tester.

use signalbox_core::json::Lenient;
use signalbox_core::{Document, Event, RejectedInput, Warning};

use super::batch_defaults::BatchDefaults;
use super::complete;
use super::envelope::{Endpoint, is_batch, split};
use super::reception::{EventType, Reception};

/// Returns the events of a text: a body of `/v1/batch` has several, and an event without `type` that has a name is the body of
/// `/v1/track`. An event without a user is read all the same, with the warning that a source rejects it, since its
/// records tell more.
pub fn read_pasted(text: &str, reception: &Reception<'_>) -> Vec<Result<Event, RejectedInput>> {
    let Some(endpoint) = endpoint(text) else {
        return vec![one(text, reception)];
    };
    match split(text, endpoint) {
        Ok(envelope) => envelope.events(reception),
        Err(reason) => vec![Err(RejectedInput {
            message_id: None,
            reason,
        })],
    }
}

/// Returns the path of the Tracking API that a text without `type` is for.
fn endpoint(text: &str) -> Option<Endpoint> {
    if is_batch(text) {
        return Some(Endpoint::Batch);
    }
    let Lenient { document, .. } = Document::parse_lenient(text).ok()?;
    let root = document.root();
    let named = root.get("event").is_some() && root.get("type").is_none();
    named.then_some(Endpoint::Single(EventType::Track))
}

/// Reads a complete event, even one without a user.
fn one(text: &str, reception: &Reception<'_>) -> Result<Event, RejectedInput> {
    match complete::read(text, None, &BatchDefaults::default(), reception) {
        Err(rejected) if rejected.reason.code() == "no_user_anon_id" => {
            let mut event = complete::as_is(text, reception)?;
            let message = "a source rejects this event: it has neither userId nor anonymousId";
            let warning = Warning::new("no_user_anon_id", "userId", message);
            event.facts_mut().warnings.push(warning);
            Ok(event)
        }
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::Origin;
    use crate::time::Millis;

    fn read(text: &str) -> Vec<String> {
        let reception = Reception {
            source: "web".into(),
            received: Millis(1),
            origin: Origin::Unknown,
            ip: None,
            user_agent: None,
            live: false,
        };
        let tell = |read: Result<Event, RejectedInput>| match read {
            Ok(event) => format!("{} {}", event.event_type(), event.facts().warnings.len()),
            Err(rejected) => rejected.reason.code().to_owned(),
        };
        read_pasted(text, &reception).into_iter().map(tell).collect()
    }

    #[test]
    fn texts_are_read_as_their_form_tells() {
        for (text, expected) in [
            (r#"{"type":"track","event":"A","userId":"u"}"#, &["track 0"][..]),
            (r#"{"event":"A","userId":"u"}"#, &["track 0"]),
            (r#"{"type":"page"}"#, &["page 1"]),
            (
                r#"{"batch":[{"type":"page","userId":"u"},{"type":"oops","userId":"u"}]}"#,
                &["page 0", "unknown_type"],
            ),
            ("[]", &["not_an_object"]),
            ("{", &["invalid_json"]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
