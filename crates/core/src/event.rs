//! The event: one Segment call with what is known about it.

use std::fmt;
use std::sync::Arc;

use crate::json::{Document, Kind, Node, Path, Scalar};
use crate::{Facts, ParseError};

/// How an event came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The name of its source in the pipeline file.
    pub source: Arc<str>,
    /// When it arrived, in Unix milliseconds.
    pub received_at: i64,
}

/// One Segment event: its payload (always a JSON object), how it came in, and [`Facts`].
///
/// The payload is reached through accessors only. Numbers keep their spelling, so an order id beyond 2^53
/// comes out as it went in.
#[derive(Clone)]
pub struct Event {
    document: Document,
    receipt: Receipt,
    /// Few have any, and events are moved about.
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

/// Why a text is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not JSON, or too deep.
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

    /// Takes a parsed payload.
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

    /// The whole payload.
    pub fn root(&self) -> Node<'_> {
        self.document.root()
    }

    /// The value at a path.
    pub fn get(&self, path: &Path) -> Option<Node<'_>> {
        self.root().at(path)
    }

    /// Writes a scalar at a path; see [`Document::set`].
    pub fn set(&mut self, path: &Path, scalar: Scalar<'_>) {
        self.document.set(path, scalar);
    }

    /// Removes what stands at a path; false if there was nothing.
    pub fn remove(&mut self, path: &Path) -> bool {
        self.document.remove(path)
    }

    /// The payload for edits that paths cannot express. Its root must stay an object.
    pub fn document_mut(&mut self) -> &mut Document {
        &mut self.document
    }

    /// `messageId`: the id that names this event everywhere.
    pub fn message_id(&self) -> &str {
        self.top("messageId")
    }

    /// `type`: track, identify, page, screen, group or alias.
    pub fn event_type(&self) -> &str {
        self.top("type")
    }

    fn top(&self, key: &str) -> &str {
        self.root().get(key).and_then(Node::as_str).unwrap_or_default()
    }

    /// Has the processor fetch the payload; see [`Document::fetch`].
    pub fn fetch(&self) {
        self.document.fetch();
    }

    /// How it came in.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// What is known beside the payload.
    pub fn facts(&self) -> &Facts {
        self.facts.as_deref().unwrap_or(&NO_FACTS)
    }

    /// The facts, for transforms.
    pub fn facts_mut(&mut self) -> &mut Facts {
        self.facts.get_or_insert_default()
    }

    /// Appends the payload as compact JSON.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        self.document.write_to(out);
    }

    /// The payload as JSON text.
    pub fn to_json(&self) -> String {
        self.document.to_json()
    }

    /// Bytes of memory the payload takes, for bounds on what is kept.
    pub fn memory(&self) -> usize {
        self.document.memory() + std::mem::size_of::<Event>()
    }
}
