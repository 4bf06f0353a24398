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
            Some(Element::Parsed(read, _)) => Some(&read.document),
            _ => None,
        };
        let (read, length) = Document::parse_next(rest, last)?;
        self.at += length;
        Some(if length > MAX_EVENT_BYTES {
            Element::Text(rest.get(..length)?.into(), Vec::new())
        } else {
            Element::Parsed(read, length)
        })
    }
}

#[cfg(test)]
mod tests;
