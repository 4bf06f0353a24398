//! Splits the top level of a batch with serde_json, without parsing the events.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use signalbox_core::Warning;
use signalbox_core::json::Lenient;

use super::fields::KEY_NAMES;
use super::limits::MAX_BATCH_EVENTS;

/// The top level of a batch. The last of repeated names counts, as for `JSON.parse`.
#[derive(Default)]
pub(super) struct BatchParts<'b> {
    pub(super) not_an_object: Option<&'static str>,
    pub(super) batch: Option<Batch<'b>>,
    pub(super) keys: [Option<&'b str>; 2],
    pub(super) sent: Option<&'b str>,
    pub(super) context: Option<&'b str>,
    pub(super) integrations: Option<&'b str>,
}

impl<'b> BatchParts<'b> {
    pub(super) fn read(body: &'b str) -> Result<BatchParts<'b>, serde_json::Error> {
        let whole: &RawValue = serde_json::from_str(body)?;
        let kind = match whole.get().as_bytes().first() {
            Some(b'{') => return serde_json::Deserializer::from_str(body).deserialize_map(Members),
            Some(b'[') => "array",
            Some(b'"') => "string",
            Some(b't' | b'f') => "boolean",
            Some(b'n') => "null",
            _ => "number",
        };
        Ok(BatchParts {
            not_an_object: Some(kind),
            ..BatchParts::default()
        })
    }

    /// Keeps the text of a member other than `batch`.
    pub(super) fn keep(&mut self, name: MemberName, text: &'b str) {
        match name {
            MemberName::Key(at) => self.keys[at] = Some(text),
            MemberName::SentAt => self.sent = Some(text),
            MemberName::Context => self.context = Some(text),
            MemberName::Integrations => self.integrations = Some(text),
            MemberName::Batch | MemberName::Other => {}
        }
    }
}

pub(super) enum Batch<'b> {
    Events(Vec<Element<'b>>),
    TooMany,
}

/// An element of a batch.
pub(super) enum Element<'b> {
    /// JSON of any kind, and warnings about the text that it was made of.
    Text(Cow<'b, str>, Vec<Warning>),
    /// A parsed object, and the length of its text in bytes.
    Parsed(Lenient, usize),
}

impl<'b> Element<'b> {
    /// Returns the length of the element's text in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Element::Text(text, _) => text.len(),
            Element::Parsed(_, length) => *length,
        }
    }

    /// Copies the borrowed text, so that the element outlives the body.
    pub(super) fn detach<'o>(self) -> Element<'o> {
        match self {
            Element::Text(text, warnings) => Element::Text(Cow::Owned(text.into_owned()), warnings),
            Element::Parsed(read, length) => Element::Parsed(read, length),
        }
    }
}

/// Visits the members of a batch.
struct Members;

impl<'b> Visitor<'b> for Members {
    type Value = BatchParts<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut members: A) -> Result<BatchParts<'b>, A::Error> {
        let mut parts = BatchParts::default();
        while let Some((name, value)) = members.next_entry::<String, &RawValue>()? {
            match MemberName::of(&name) {
                MemberName::Batch => parts.batch = Batch::of(value.get()).map_err(A::Error::custom)?,
                name => parts.keep(name, value.get()),
            }
        }
        Ok(parts)
    }
}

impl<'b> Batch<'b> {
    /// Reads the elements of an array; other JSON is no batch.
    fn of(text: &'b str) -> Result<Option<Batch<'b>>, serde_json::Error> {
        let array = text.starts_with('[');
        let elements = || serde_json::Deserializer::from_str(text).deserialize_seq(Elements);
        array.then(elements).transpose()
    }
}

/// Visits the elements of an array.
struct Elements;

impl<'b> Visitor<'b> for Elements {
    type Value = Batch<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut items: A) -> Result<Batch<'b>, A::Error> {
        let mut events = Vec::new();
        while events.len() < MAX_BATCH_EVENTS {
            match items.next_element::<&RawValue>()? {
                Some(event) => events.push(Element::Text(event.get().into(), Vec::new())),
                None => return Ok(Batch::Events(events)),
            }
        }
        let mut more = false;
        while items.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok(if more {
            Batch::TooMany
        } else {
            Batch::Events(events)
        })
    }
}

/// A member's name, as far as ingestion uses it.
#[derive(PartialEq, Eq)]
pub(super) enum MemberName {
    Batch,
    Key(usize),
    SentAt,
    Context,
    Integrations,
    Other,
}

impl MemberName {
    pub(super) fn of(name: &str) -> MemberName {
        match name {
            "batch" => MemberName::Batch,
            "sentAt" => MemberName::SentAt,
            "context" => MemberName::Context,
            "integrations" => MemberName::Integrations,
            _ => KEY_NAMES
                .iter()
                .position(|key| *key == name)
                .map_or(MemberName::Other, MemberName::Key),
        }
    }
}
