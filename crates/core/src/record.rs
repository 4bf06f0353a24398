//! Records, which sinks make of events.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Event, Parts, Reason, Summary, Warning};

/// One unit of delivery: an event encoded by one mapping of one sink, in the form in which it is sent.
#[derive(Clone)]
pub struct Record {
    /// Name of the mapping, for instance `Checkout`; sinks without mappings use their own name.
    pub mapping: Arc<str>,
    /// Key by which the destination recognises duplicates, if it does. The runtime takes it and keeps a hash: a sink
    /// must not look for it in the records of a batch.
    pub dedup_key: Option<Box<str>>,
    /// The encoded record, byte for byte as in the request.
    pub bytes: Bytes,
    /// Warnings about values left out or in doubt.
    pub warnings: Vec<Warning>,
    /// Effect of sending the record twice.
    pub resend: Resend,
    /// Only records of one key share a request. Each sink counts its own keys; 0 if there is one.
    pub batch_key: u16,
    /// Unix seconds from which on the destination refuses the record for its age. Sinks check it when they send.
    pub expires_at: Option<NonZeroU32>,
    /// The places of its parts, for the history; none for destinations that take events unchanged.
    pub parts: Parts,
}

/// Shows no payload.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({}, {} bytes)", self.mapping, self.bytes.len())
    }
}

impl Record {
    /// Makes a record that knows no duplicates, shares a request with any other, and does not expire.
    pub fn new(mapping: impl Into<Arc<str>>, bytes: impl Into<Bytes>) -> Record {
        Record {
            mapping: mapping.into(),
            dedup_key: None,
            bytes: bytes.into(),
            warnings: Vec::new(),
            resend: Resend::Safe,
            batch_key: 0,
            expires_at: None,
            parts: Parts::default(),
        }
    }

    /// Reads the parts that people look for in a history.
    #[must_use]
    pub fn summary(&self) -> Summary<'_> {
        self.parts.summary(&self.bytes)
    }

    /// Reads the same without the ids and the action source, which only rows have.
    #[must_use]
    pub fn counted(&self) -> Summary<'_> {
        self.parts.counted(&self.bytes)
    }

    /// Copies the record out of the memory that it shares with others ([`crate::ByteSlab`]), for a record that outlives
    /// them.
    pub fn apart(&self) -> Record {
        Record {
            bytes: Bytes::copy_from_slice(&self.bytes),
            ..self.clone()
        }
    }

    /// Encodes the whole event as one line of JSON, for destinations that take events unchanged and recognise no
    /// duplicates.
    pub fn line(mapping: Arc<str>, event: &Event) -> Record {
        let mut bytes = Vec::new();
        event.write_to(&mut bytes);
        // An unchanged event is written as it was received, with any line breaks between its members.
        if bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.clear();
            event.root().write_to(&mut bytes);
        }
        Record {
            warnings: event.facts().warnings.clone(),
            ..Record::new(mapping, bytes)
        }
    }
}

/// The effect of sending a record twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resend {
    /// None: the destination recognises the copy, or a copy is harmless.
    #[default]
    Safe,
    /// A possible second count: the destination does not recognise the copy. The sink's setting
    /// `retry_timeouts_of_offline` decides about records that may have been written already.
    MayDuplicate,
}

/// A failure of a mapping that matched an event.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// Name of the mapping.
    pub mapping: Arc<str>,
    /// Reason of the failure.
    pub reason: Reason,
    /// Further warnings.
    pub warnings: Vec<Warning>,
}

/// The result of [`crate::Sink::prepare`].
#[derive(Debug)]
pub enum Prepared {
    /// The sink does not take the event: no trigger matched. Counted by reason, without a dead letter.
    Filtered(Reason),
    /// The event should be delivered and cannot be. Becomes a dead letter.
    Rejected(Reason),
    /// A result for each mapping that matched; at least one.
    Mapped(Vec<Result<Record, Rejection>>),
}
