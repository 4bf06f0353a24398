//! What a sink makes of an event.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Event, Reason, Warning};

/// One unit of delivery: what one mapping of one sink made of one event, encoded as it will be sent.
#[derive(Clone)]
pub struct Record {
    /// The mapping that made it, for instance `Checkout`; sinks without mappings use their own name.
    pub mapping: Arc<str>,
    /// What the destination knows duplicates by, if it does. For the runtime, which takes it and keeps a hash: a sink
    /// must not look for it in the records of a batch.
    pub dedup_key: Option<Box<str>>,
    /// The encoded record, exactly as it stands in the request.
    pub bytes: Bytes,
    /// What was left out or is in doubt.
    pub warnings: Vec<Warning>,
    /// Whether sending it twice does harm.
    pub resend: Resend,
}

/// Shows no payload.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({}, {} bytes)", self.mapping, self.bytes.len())
    }
}

impl Record {
    /// The same with memory of its own: for one that stays when those it shares memory with ([`crate::ByteSlab`]) go.
    pub fn apart(&self) -> Record {
        Record {
            bytes: Bytes::copy_from_slice(&self.bytes),
            ..self.clone()
        }
    }

    /// The whole event as one line of JSON, for destinations that take events as they are and recognise no
    /// duplicates.
    pub fn line(mapping: Arc<str>, event: &Event) -> Record {
        let mut bytes = Vec::new();
        event.write_to(&mut bytes);
        // An event that nobody changed is written as it came, line breaks between its members included.
        if bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.clear();
            event.root().write_to(&mut bytes);
        }
        Record {
            mapping,
            dedup_key: None,
            bytes: bytes.into(),
            warnings: event.facts().warnings.iter().map(Into::into).collect(),
            resend: Resend::Safe,
        }
    }
}

/// Whether the destination recognises a record that it has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resend {
    /// It does, or a second copy is harmless.
    #[default]
    Safe,
    /// It does not: a record that may have been written already could count twice. What then happens is the
    /// sink's setting `retry_timeouts_of_offline`.
    MayDuplicate,
}

/// A mapping that matched an event but could not make a record of it.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The mapping's name.
    pub mapping: Arc<str>,
    /// Why.
    pub reason: Reason,
    /// What else was noticed.
    pub warnings: Vec<Warning>,
}

/// What [`crate::Sink::prepare`] makes of an event.
#[derive(Debug)]
pub enum Prepared {
    /// This sink does not want it: no trigger matched. Counted by reason; no dead letter.
    Filtered(Reason),
    /// It should have been delivered but cannot be: a dead letter.
    Rejected(Reason),
    /// One result for each mapping that matched; at least one.
    Mapped(Vec<Result<Record, Rejection>>),
}
