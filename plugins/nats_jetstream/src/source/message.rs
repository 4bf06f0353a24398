//! The events of a message.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use signalbox_core::{Event, Reason, RejectedInput, Sha256Hex};
use signalbox_segment::ingest::{Endpoint, Origin, Reception, decode, is_batch, read_event_at, split};
use signalbox_segment::time::Millis;

/// The events of a message, and its texts that are no events.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) events: Vec<Event>,
    pub(super) rejected: Vec<RejectedInput>,
}

/// Reads a message of the stream: one Segment call, or a body of `/v1/batch`. Events without `messageId` get one made of the
/// stream and the message's number, the same at each reading.
pub(super) fn read(payload: &[u8], number: u64, identity: &str, source: &Arc<str>) -> Content {
    let mut content = Content::default();
    let reception = reception(source);
    let id = |index: usize| id(identity, number, index);
    let nameless = |reason| RejectedInput {
        message_id: None,
        reason,
    };
    let text = match decode(payload.trim_ascii()) {
        Ok(text) => text,
        Err(reason) => {
            content.reject(nameless(reason), number, None);
            return content;
        }
    };
    if !is_batch(text) {
        match read_event_at(text, &reception, || id(0)) {
            Ok(event) => content.events.push(event),
            Err(input) => content.reject(input, number, None),
        }
        return content;
    }
    match split(text, Endpoint::Batch) {
        Ok(batch) => {
            for (place, event) in (1..).zip(batch.events_at(&reception, id)) {
                match event {
                    Ok(event) => content.events.push(event),
                    Err(input) => content.reject(input, number, Some(place)),
                }
            }
        }
        Err(reason) => content.reject(nameless(reason), number, None),
    }
    content
}

impl Content {
    /// Adds an input that is no event, with its place in the reason: the code serves for counting, the place for finding.
    fn reject(&mut self, mut input: RejectedInput, number: u64, place: Option<usize>) {
        let code = input.reason.code().to_owned();
        let told = input.reason.message();
        let message = match place {
            Some(place) => format!("message {number} of the stream, event {place} of its batch: {told}"),
            None => format!("message {number} of the stream: {told}"),
        };
        input.reason = Reason::restored(code, message);
        self.rejected.push(input);
    }
}

fn id(identity: &str, number: u64, index: usize) -> String {
    let id = Sha256Hex::of(&format!("{identity} {number} {index}"));
    id.as_str().chars().take(32).collect()
}

fn reception(source: &Arc<str>) -> Reception<'static> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Reception {
        source: Arc::clone(source),
        received: Millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)),
        origin: Origin::Unknown,
        ip: None,
        user_agent: None,
        live: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8]) -> Content {
        read(text, 7, "stream", &"in".into())
    }

    fn codes(content: &Content) -> Vec<&str> {
        content.rejected.iter().map(|input| input.reason.code()).collect()
    }

    #[test]
    fn one_call_or_a_batch() {
        let one = read_text(b" {\"type\":\"page\",\"userId\":\"u\",\"messageId\":\"m\"}\n");
        assert_eq!((one.events.len(), one.rejected.len()), (1, 0));
        assert_eq!(one.events[0].message_id(), "m");
        let many = read_text(br#"{"batch":[{"type":"page","userId":"u"},{"type":"track","userId":"u"},{"type":"page","userId":"v"}]}"#);
        assert_eq!(many.events.len(), 2);
        assert_eq!(codes(&many), ["event_name_missing"]);
        let told = many.rejected[0].reason.message();
        assert!(
            told.starts_with("message 7 of the stream, event 2 of its batch: "),
            "{told}"
        );
    }

    #[test]
    fn ids_are_the_same_at_each_reading_and_for_no_other_event() {
        let text = br#"{"batch":[{"type":"page","userId":"u"},{"type":"page","userId":"u"}]}"#;
        let ids = |number, identity: &str| -> Vec<String> {
            let content = read(text, number, identity, &"in".into());
            content
                .events
                .iter()
                .map(|event| event.message_id().to_owned())
                .collect()
        };
        let first = ids(7, "stream");
        assert_eq!(first, ids(7, "stream"));
        let mut all = [first, ids(8, "stream"), ids(7, "stream made later")].concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn what_is_no_event_is_rejected_with_its_place() {
        for (text, code) in [
            (&b""[..], "invalid_json"),
            (b"hello", "invalid_json"),
            (b"\xff\xfe", "not_utf8"),
            (b"[]", "not_an_object"),
            (b"{\"type\":\"buy\",\"userId\":\"u\"}", "unknown_type"),
            (b"{\"type\":\"page\"}", "no_user_anon_id"),
        ] {
            let content = read_text(text);
            assert_eq!((content.events.len(), codes(&content)), (0, vec![code]));
            assert!(
                content.rejected[0]
                    .reason
                    .message()
                    .starts_with("message 7 of the stream: ")
            );
        }
    }
}
