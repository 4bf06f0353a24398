//! The fast path for a batch as SDKs write it. [`BatchParts::read`] scans each event for its end and parses it
//! afterwards; this reader only parses it, which is several times as fast.

use serde_json::Deserializer;
use serde_json::value::RawValue;
use signalbox_core::Document;

use super::batch_parts::{Batch, BatchParts, Element, MemberName};
use super::limits::{MAX_BATCH_EVENTS, MAX_EVENT_BYTES};

impl<'b> BatchParts<'b> {
    /// Reads a body as [`BatchParts::read`] does, but returns `None` for bodies that are not JSON, events that are too
    /// large or too deep, and a batch of anything but objects. The slow path words the errors of these.
    pub(super) fn read_fast(body: &'b str) -> Option<BatchParts<'b>> {
        let mut parts = BatchParts::default();
        let mut rest = Rest { body, at: 0 };
        rest.take(b'{')?;
        loop {
            let name = rest.value()?.strip_prefix('"')?.strip_suffix('"')?;
            if name.contains('\\') {
                return None;
            }
            rest.take(b':')?;
            match MemberName::of(name) {
                MemberName::Batch if parts.batch.is_some() => return None,
                MemberName::Batch => parts.batch = Some(Batch::Events(rest.events()?)),
                name => parts.keep(name, rest.value()?),
            }
            match rest.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        rest.next().is_none().then_some(parts)
    }
}

/// The unread rest of a body.
struct Rest<'b> {
    body: &'b str,
    at: usize,
}

impl<'b> Rest<'b> {
    /// Skips white space.
    fn skip(&mut self) {
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let rest = self.body.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(blank).count();
    }

    /// Takes the next byte that is not white space.
    fn next(&mut self) -> Option<u8> {
        self.skip();
        let byte = self.body.as_bytes().get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    /// Takes the text of the next value.
    fn value(&mut self) -> Option<&'b str> {
        let mut values = Deserializer::from_str(self.body.get(self.at..)?).into_iter::<&'b RawValue>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value.get())
    }

    /// Takes the events of an array.
    fn events(&mut self) -> Option<Vec<Element<'b>>> {
        self.take(b'[')?;
        let mut events: Vec<Element<'b>> = Vec::new();
        let mut next = self.next()?;
        while next != b']' {
            if next != b'{' || events.len() == MAX_BATCH_EVENTS {
                return None;
            }
            self.at -= 1;
            events.push(self.event(events.last())?);
            next = match self.next()? {
                // A value must follow a comma.
                b',' => self.next().filter(|byte| *byte != b']')?,
                b']' => b']',
                _ => return None,
            };
        }
        Some(events)
    }

    /// Parses the event that begins here, if it is an object.
    fn event(&mut self, last: Option<&Element<'b>>) -> Option<Element<'b>> {
        let rest = self.body.get(self.at..)?;
        let last = match last {
            Some(Element::Parsed(document, _)) => Some(document),
            _ => None,
        };
        let (document, length) = Document::parse_next(rest, last)?;
        self.at += length;
        Some(if length > MAX_EVENT_BYTES {
            Element::Text(rest.get(..length)?.into())
        } else {
            Element::Parsed(document, length)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &str = r#" {"writeKey" : "k","sentAt":"2026-03-01T12:00:10Z","context":{"a":[1,"}"]},
        "batch": [{"a":"{[\\\"]}","b":[{},[{}],-1.5e3,true]} ,{"c":"\ud83d\\"},
        {"a":"é\u00e9","a":null},{}], "integrations":{"All":false},"other":[[],"\n"]} "#;

    /// An event's text, if it parses, and the length of its source.
    type Rendered = (Option<String>, usize);

    /// Renders the parts for comparison with the slow path.
    fn rendered(parts: &BatchParts<'_>) -> (Option<Vec<Rendered>>, [Option<String>; 5]) {
        let events = parts.batch.as_ref().map(|batch| match batch {
            Batch::Events(events) => events,
            Batch::TooMany | Batch::NoArray => panic!("not events"),
        });
        let json = |document: &Document| {
            let mut written = Vec::new();
            document.root().write_to(&mut written);
            String::from_utf8(written).unwrap()
        };
        let event = |event: &Element<'_>| {
            let text = match event {
                Element::Text(text) => Document::parse(text).ok().as_ref().map(json),
                Element::Parsed(document, _) => Some(json(document)),
            };
            (text, event.len())
        };
        let [first, second] = parts.keys;
        let members = [first, second, parts.sent, parts.context, parts.integrations];
        (
            events.map(|events| events.iter().map(event).collect()),
            members.map(|text| text.map(str::to_owned)),
        )
    }

    fn agrees(body: &str) -> bool {
        let Some(fast) = BatchParts::read_fast(body) else {
            return false;
        };
        let slow = BatchParts::read(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(rendered(&fast), rendered(&slow), "{body}");
        true
    }

    #[test]
    fn what_it_reads_is_what_the_other_reads() {
        assert!(agrees(BODY));
        for at in 0..200 {
            // Moves strings, escapes and ends of events to every position of a block.
            assert!(agrees(&format!("{}{BODY}", " ".repeat(at))));
        }
        assert!(agrees(r#"{"batch":[]}"#));
        for length in [MAX_EVENT_BYTES - 8, MAX_EVENT_BYTES + 1] {
            assert!(agrees(&format!(
                r#"{{"batch":[{{"a":"{}"}}]}}"#,
                "x".repeat(length)
            )));
        }
    }

    #[test]
    fn it_leaves_the_rest_to_the_other() {
        for body in [
            "",
            "[]",
            "null",
            r#"{"batch":[]} x"#,
            r#"{"batch":[{}"#,
            r#"{"batch":[{}}"#,
            r#"{"batch":[{},]}"#,
            r#"{"batch":[,{}]}"#,
            r#"{"batch":[{}{}]}"#,
            r#"{"batch":[{]]}"#,
            r#"{"batch":[1]}"#,
            r#"{"batch":[{},"x"]}"#,
            r#"{"batch":{}}"#,
            r#"{"batch":{{}]}"#,
            r#"{"batch":}"#,
            r#"{"batch":[],"batch":[{}]}"#,
            r#"{"batch":[{}],"x":}"#,
            r#"{"batch":[{}],}"#,
            r#"{"batch":[{"a":"
"}]}"#,
            r#"{"batch":[{"a":"\x"}]}"#,
            r#"{"\u0062atch":[{}]}"#,
        ] {
            assert!(BatchParts::read_fast(body).is_none(), "{body}");
        }
        let deep = format!(r#"{{"batch":[{{"a":{}{}}}]}}"#, "[".repeat(200), "]".repeat(200));
        assert!(BatchParts::read_fast(&deep).is_none() && BatchParts::read(&deep).is_ok());
        let many = format!(r#"{{"batch":[{{}}{}]}}"#, ",{}".repeat(MAX_BATCH_EVENTS));
        assert!(BatchParts::read_fast(&many).is_none());
        let large = format!(r#"{{"batch":[{{"a":"{}\q"}}]}}"#, "x".repeat(MAX_EVENT_BYTES));
        assert!(BatchParts::read_fast(&large).is_none() && BatchParts::read(&large).is_err());
    }

    proptest! {
        #[test]
        fn changed_bodies_are_read_alike_or_left_to_the_other(
            changes in proptest::collection::vec(
                (any::<prop::sample::Index>(), prop::sample::select(b"\"\\{}[],:0-.eEu1 ntx\n\x00")),
                0..4,
            ),
            removed in proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
            pad in 0usize..70,
        ) {
            let mut body: Vec<u8> = [vec![b' '; pad], BODY.as_bytes().to_vec()].concat();
            for at in removed {
                body.remove(at.index(body.len()));
            }
            for (at, byte) in changes {
                let at = at.index(body.len());
                body[at] = byte;
            }
            agrees(&String::from_utf8_lossy(&body));
        }
    }
}
