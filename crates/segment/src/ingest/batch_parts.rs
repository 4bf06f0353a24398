//! Splits the top level of a batch with serde_json, without parsing the events.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use signalbox_core::Document;

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
        let mut reader = serde_json::Deserializer::from_str(body);
        let parts = reader.deserialize_any(BatchPartsVisitor)?;
        reader.end()?;
        Ok(parts)
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
    NoArray,
}

/// An element of a batch.
pub(super) enum Element<'b> {
    /// JSON of any kind.
    Text(Cow<'b, str>),
    /// A parsed object, and the length of its text in bytes.
    Parsed(Document, usize),
}

impl<'b> Element<'b> {
    /// Returns the length of the element's text in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Element::Text(text) => text.len(),
            Element::Parsed(_, length) => *length,
        }
    }

    /// Copies the borrowed text, so that the element outlives the body.
    pub(super) fn detach<'o>(self) -> Element<'o> {
        match self {
            Element::Text(text) => Element::Text(Cow::Owned(text.into_owned())),
            Element::Parsed(document, length) => Element::Parsed(document, length),
        }
    }
}

struct BatchPartsVisitor;

/// Implements the visitor's methods for the kinds of JSON values that are not used.
macro_rules! other_kinds {
    ($null:expr, $bool:expr, $number:expr, $string:expr) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($null)
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($bool)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($number)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($number)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($number)
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($string)
        }
    };
}

fn other<'b>(kind: &'static str) -> BatchParts<'b> {
    BatchParts {
        not_an_object: Some(kind),
        ..BatchParts::default()
    }
}

impl<'b> Visitor<'b> for BatchPartsVisitor {
    type Value = BatchParts<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch object")
    }

    other_kinds!(other("null"), other("boolean"), other("number"), other("string"));

    fn visit_seq<A: SeqAccess<'b>>(self, mut items: A) -> Result<BatchParts<'b>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(other("array"))
    }

    fn visit_map<A: MapAccess<'b>>(self, mut members: A) -> Result<BatchParts<'b>, A::Error> {
        let mut parts = BatchParts::default();
        while let Some(name) = members.next_key::<MemberName>()? {
            if name == MemberName::Batch {
                parts.batch = Some(members.next_value::<BatchValue<'b>>()?.0);
                continue;
            }
            parts.keep(name, members.next_value::<&RawValue>()?.get());
        }
        Ok(parts)
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

impl<'de> serde::Deserialize<'de> for MemberName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MemberName, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = MemberName;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, name: &str) -> Result<MemberName, E> {
                Ok(MemberName::of(name))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

struct BatchValue<'b>(Batch<'b>);

impl<'de: 'b, 'b> serde::Deserialize<'de> for BatchValue<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BatchVisitor).map(BatchValue)
    }
}

struct BatchVisitor;

impl<'b> Visitor<'b> for BatchVisitor {
    type Value = Batch<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events")
    }

    other_kinds!(Batch::NoArray, Batch::NoArray, Batch::NoArray, Batch::NoArray);

    fn visit_map<A: MapAccess<'b>>(self, mut members: A) -> Result<Batch<'b>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Batch::NoArray)
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut items: A) -> Result<Batch<'b>, A::Error> {
        let mut events = Vec::new();
        while events.len() < MAX_BATCH_EVENTS {
            match items.next_element::<&RawValue>()? {
                Some(event) => events.push(Element::Text(event.get().into())),
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
