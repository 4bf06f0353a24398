//! A request's body: its write key, the defaults of a batch, and the events, still as slices of the body.

use std::borrow::Cow;
use std::fmt;

use signalbox_core::json::Lenient;
use signalbox_core::{Document, Event, Kind, Node, Reason, RejectedInput, Warning};

use super::batch_defaults::BatchDefaults;
use super::batch_parts::{Batch, BatchParts, Element};
use super::complete;
use super::fields::KEY_NAMES;
use super::limits::{MAX_BATCH_BYTES, MAX_EVENT_BYTES, MAX_EXPANDED_BYTES, MAX_SHARED_BYTES};
use super::not_numbers;
use super::reasons::{not_an_object, too_large, unparsable};
use super::reception::{EventType, Reception};
use super::times;

/// The shape of a path's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// One event of this type.
    Single(EventType),
    /// An object with an array `batch` of events.
    Batch,
}

impl Endpoint {
    /// Returns the maximum length of the decompressed body in bytes.
    pub fn max_bytes(self) -> usize {
        match self {
            Endpoint::Single(_) => MAX_EVENT_BYTES,
            Endpoint::Batch => MAX_BATCH_BYTES,
        }
    }
}

/// A split body. It is known to be JSON; nothing else of it is validated.
pub struct Envelope<'b> {
    write_key: Option<String>,
    content: Content<'b>,
}

/// Shows sizes only: a body holds personal data.
impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope({} events)", self.len())
    }
}

enum Content<'b> {
    One(EventType, Box<Lenient>),
    Many {
        events: Vec<Element<'b>>,
        defaults: BatchDefaults,
    },
}

/// Splits a body, in time proportional to its length.
///
/// # Errors
/// A reason that makes the whole body unusable: `invalid_json`, `too_deep` (single events only), `not_an_object`,
/// `batch_missing`, `payload_too_large`.
pub fn split(body: &str, endpoint: Endpoint) -> Result<Envelope<'_>, Reason> {
    if body.len() > endpoint.max_bytes() {
        return Err(too_large());
    }
    match endpoint {
        Endpoint::Single(kind) => {
            let read = Document::parse_lenient(body).map_err(unparsable)?;
            let root = read.document.root();
            if root.kind() != Kind::Object {
                return Err(not_an_object(root.kind().name()));
            }
            Ok(Envelope {
                write_key: key_of(root),
                content: Content::One(kind, Box::new(read)),
            })
        }
        Endpoint::Batch => match BatchParts::read_fast(body).map_or_else(|| BatchParts::read(body), Ok) {
            Ok(parts) => Envelope::of_batch(parts),
            // serde_json rejects a name with a lone surrogate, and NaN; Document replaces both.
            Err(error) => match Document::parse_lenient(body) {
                Ok(whole) => Envelope::mended(&whole),
                Err(_) => Err(invalid(error)),
            },
        },
    }
}

/// Returns true for a text that is a body of `/v1/batch` rather than an event: it has an array `batch` and no `type`.
pub fn is_batch(text: &str) -> bool {
    // The search spares nearly all events from being parsed here.
    memchr::memmem::find(text.as_bytes(), b"\"batch\"").is_some()
        && Document::parse_lenient(text).is_ok_and(|read| {
            let root = read.document.root();
            let batch = root.get("batch").is_some_and(|batch| batch.kind() == Kind::Array);
            batch && root.get("type").is_none()
        })
}

fn invalid(error: serde_json::Error) -> Reason {
    // The text of serde_json's error may quote the body.
    Reason::new(
        "invalid_json",
        format!(
            "not valid JSON at line {} column {}",
            error.line(),
            error.column()
        ),
    )
}

fn key_of(root: Node<'_>) -> Option<String> {
    KEY_NAMES
        .iter()
        .filter_map(|name| root.get(name)?.as_str())
        .find(|key| !key.is_empty())
        .map(str::to_owned)
}

impl<'b> Envelope<'b> {
    /// Returns the write key in the body: at its top level, or in the first event of a batch.
    pub fn write_key(&self) -> Option<Cow<'_, str>> {
        if let Some(key) = &self.write_key {
            return Some(key.into());
        }
        match &self.content {
            Content::One(..) => None,
            Content::Many { events, .. } => match events.first()? {
                Element::Parsed(first, _) => key_of(first.document.root()),
                Element::Text(first, _) => key_of(Document::parse(first).ok()?.root()),
            }
            .map(Cow::Owned),
        }
    }

    /// Returns the number of events.
    pub fn len(&self) -> usize {
        match &self.content {
            Content::One(..) => 1,
            Content::Many { events, .. } => events.len(),
        }
    }

    /// Returns true for a batch without events.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Validates and completes the events, in order.
    pub fn events(self, reception: &Reception<'_>) -> Vec<Result<Event, RejectedInput>> {
        self.events_at(reception, |_| complete::new_id())
    }

    /// Validates and completes events at a fixed position (a batch in a file), as [`read_event_at`](super::read_event_at)
    /// does: `new_id` makes the `messageId` of an event that has none, from its index in the batch.
    pub fn events_at(
        self,
        reception: &Reception<'_>,
        new_id: impl Fn(usize) -> String,
    ) -> Vec<Result<Event, RejectedInput>> {
        match self.content {
            Content::One(kind, read) => {
                let none = BatchDefaults::default();
                let event = complete::complete_with(*read, Some(kind), &none, reception, || new_id(0));
                vec![event]
            }
            Content::Many { events, defaults } => (0..)
                .zip(events)
                .map(|(index, event)| match event {
                    Element::Parsed(read, _) => {
                        complete::complete_with(read, None, &defaults, reception, || new_id(index))
                    }
                    Element::Text(text, warnings) => {
                        let read = complete::parse(&text)?;
                        let mut event =
                            complete::complete_with(read, None, &defaults, reception, || new_id(index))?;
                        if !warnings.is_empty() {
                            event.facts_mut().warnings.extend(warnings);
                        }
                        Ok(event)
                    }
                })
                .collect(),
        }
    }

    /// Copies borrowed texts, so that the envelope outlives the body.
    fn detach<'o>(self) -> Envelope<'o> {
        Envelope {
            write_key: self.write_key,
            content: match self.content {
                Content::One(kind, read) => Content::One(kind, read),
                Content::Many { events, defaults } => Content::Many {
                    events: events.into_iter().map(Element::detach).collect(),
                    defaults,
                },
            },
        }
    }
}

impl Envelope<'_> {
    /// Makes the envelope of a batch whose text is strict JSON only after it was parsed and written again.
    #[cold]
    fn mended<'o>(whole: &Lenient) -> Result<Envelope<'o>, Reason> {
        let Lenient {
            document,
            not_numbers,
        } = whole;
        let text = document.to_json();
        let parts = BatchParts::read(&text).map_err(invalid)?;
        let mut envelope = Envelope::of_batch(parts)?.detach();
        if let Content::Many { events, defaults } = &mut envelope.content
            && !not_numbers.is_empty()
        {
            let root = document.root();
            let below = |node: Option<Node<'_>>| {
                node.map_or_else(Vec::new, |node| not_numbers::warnings(node, not_numbers))
            };
            for name in ["context", "integrations"] {
                for warning in below(root.get(name)) {
                    let path = format!("{name}.{}", warning.path);
                    defaults.warnings.push(Warning { path, ..warning });
                }
            }
            let sources = root.get("batch").into_iter().flat_map(Node::items);
            for (event, source) in events.iter_mut().zip(sources) {
                if let Element::Text(_, warnings) = event {
                    *warnings = not_numbers::warnings(source, not_numbers);
                }
            }
        }
        Ok(envelope)
    }
}

impl<'b> Envelope<'b> {
    /// Returns the parsed body of a single event; `None` for a batch.
    pub fn into_single(self) -> Option<Lenient> {
        match self.content {
            Content::One(_, read) => Some(*read),
            Content::Many { .. } => None,
        }
    }

    fn of_batch(parts: BatchParts<'b>) -> Result<Envelope<'b>, Reason> {
        if let Some(kind) = parts.not_an_object {
            return Err(not_an_object(kind));
        }
        let events = match parts.batch {
            Some(Batch::Events(events)) => events,
            Some(Batch::TooMany) => return Err(too_large()),
            None => {
                return Err(Reason::new("batch_missing", "`batch` must be an array of events"));
            }
        };
        // Values other than objects are ignored.
        let object = |text: Option<&'b str>| text.filter(|text| text.starts_with('{'));
        let (context, integrations) = (object(parts.context), object(parts.integrations));
        let shared_len = context.map_or(0, str::len) + integrations.map_or(0, str::len);
        let events_len: usize = events.iter().map(Element::len).sum();
        if shared_len > MAX_SHARED_BYTES || events_len + shared_len * events.len() > MAX_EXPANDED_BYTES {
            return Err(too_large());
        }
        Ok(Envelope {
            write_key: parts.keys.iter().flatten().find_map(|text| {
                let key = Document::parse(text).ok()?;
                key.root()
                    .as_str()
                    .filter(|key| !key.is_empty())
                    .map(str::to_owned)
            }),
            content: Content::Many {
                events,
                defaults: BatchDefaults {
                    document: shared_document(context, integrations),
                    sent: parts
                        .sent
                        .and_then(|text| Document::parse(text).ok())
                        .and_then(|sent| times::read(sent.root())),
                    warnings: Vec::new(),
                },
            },
        })
    }
}

fn shared_document(context: Option<&str>, integrations: Option<&str>) -> Option<Document> {
    if context.is_none() && integrations.is_none() {
        return None;
    }
    let (context, integrations) = (context.unwrap_or("{}"), integrations.unwrap_or("{}"));
    // A context that is too deep is dropped rather than charged to its events.
    Document::parse(&format!(
        r#"{{"context":{context},"integrations":{integrations}}}"#
    ))
    .ok()
}
