//! The event: one Segment call, its receipt and its facts.

use std::fmt;
use std::sync::Arc;

use crate::json::{Document, Kind, Node, Path, Scalar};
use crate::{Facts, ParseError};

/// The circumstances of an event's receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Name of the source in the pipeline file.
    pub source: Arc<str>,
    /// Time of receipt in Unix milliseconds.
    pub received_at: i64,
}

/// One Segment event: its payload (always a JSON object), its [`Receipt`] and its [`Facts`].
///
/// The payload is reached through accessors only. Numbers keep their spelling, so an order id beyond 2^53 leaves as it
/// came.
#[derive(Clone)]
pub struct Event {
    document: Document,
    receipt: Receipt,
    /// Boxed, since few events have facts and events are moved often.
    facts: Option<Box<Facts>>,
}

static NO_FACTS: Facts = Facts {
    limited_data_processing: None,
    hashed: Vec::new(),
    warnings: Vec::new(),
    sinks: None,
};

/// Shows no payload: it holds personal data.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("receipt", &self.receipt)
            .finish_non_exhaustive()
    }
}

/// The reason why a text is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A text that is not JSON or nests too deep.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// JSON, but not an object.
    #[error("an event must be a JSON object, not {}", .0.with_article())]
    NotAnObject(Kind),
}

impl Event {
    /// Parses a payload.
    ///
    /// # Errors
    /// [`EventError`] if it is not a JSON object.
    pub fn parse(text: &str, receipt: Receipt) -> Result<Event, EventError> {
        Event::new(Document::parse(text)?, receipt)
    }

    /// Wraps a parsed payload.
    ///
    /// # Errors
    /// [`EventError::NotAnObject`] if it is not an object.
    pub fn new(document: Document, receipt: Receipt) -> Result<Event, EventError> {
        match document.root().kind() {
            Kind::Object => Ok(Event {
                document,
                receipt,
                facts: None,
            }),
            kind => Err(EventError::NotAnObject(kind)),
        }
    }

    /// Returns the whole payload.
    pub fn root(&self) -> Node<'_> {
        self.document.root()
    }

    /// Returns the value at a path.
    pub fn get(&self, path: &Path) -> Option<Node<'_>> {
        self.root().at(path)
    }

    /// Writes a scalar at a path; see [`Document::set`].
    pub fn set(&mut self, path: &Path, scalar: Scalar<'_>) {
        self.document.set(path, scalar);
    }

    /// Removes the value at a path. Returns false if there was none.
    pub fn remove(&mut self, path: &Path) -> bool {
        self.document.remove(path)
    }

    /// Returns the payload for edits that paths cannot express. Its root must stay an object.
    pub fn document_mut(&mut self) -> &mut Document {
        &mut self.document
    }

    /// Puts another payload, an object, in the place of this one. Hashes that transforms made and that no longer stand at their
    /// paths are listed in the facts, so that sinks know them wherever they went.
    pub fn replace_document(&mut self, document: Document) {
        for hashed in self.facts.iter_mut().flat_map(|facts| &mut facts.hashed) {
            hashed.keep(self.document.root(), document.root());
        }
        self.document = document;
    }

    /// Returns `messageId`, the id of the event in logs, journal and destinations.
    pub fn message_id(&self) -> &str {
        self.top("messageId")
    }

    /// Returns `type`: track, identify, page, screen, group or alias.
    pub fn event_type(&self) -> &str {
        self.top("type")
    }

    fn top(&self, key: &str) -> &str {
        self.root().get(key).and_then(Node::as_str).unwrap_or_default()
    }

    /// Prefetches the payload; see [`Document::fetch`].
    pub fn fetch(&self) {
        self.document.fetch();
    }

    /// Returns the circumstances of the receipt.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Returns the facts of the event.
    pub fn facts(&self) -> &Facts {
        self.facts.as_deref().unwrap_or(&NO_FACTS)
    }

    /// Returns the facts for changes by transforms.
    pub fn facts_mut(&mut self) -> &mut Facts {
        self.facts.get_or_insert_default()
    }

    /// Appends the payload as compact JSON.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        self.document.write_to(out);
    }

    /// Returns the payload as JSON text.
    pub fn to_json(&self) -> String {
        self.document.to_json()
    }

    /// Returns the memory of the payload in bytes, for bounds on caches.
    pub fn memory(&self) -> usize {
        self.document.memory() + std::mem::size_of::<Event>()
    }
}
