//! Publishing events to streams.

mod config;
mod reasons;
mod subject;

use std::sync::Arc;

use async_nats::jetstream;
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_trait::async_trait;
use futures_util::future::join_all;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use signalbox_core::{Batch, Event, Outcome, Prepared, Reason, Record, Report, RequestText, Sink};

pub use config::NatsSinkConfig;
use subject::Template;

use crate::link::{Link, Open};

/// Characters of a `messageId` that no header may carry, or that servers trim; `%`, so that no two ids become one.
const NO_HEADER: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// Publishes records. A record is the subject, the id of the message and the event, in a line each.
struct NatsSink {
    name: Arc<str>,
    template: Template,
    link: Link,
}

/// The parts of a record.
struct Message {
    subject: String,
    id: String,
    payload: bytes::Bytes,
}

impl Message {
    /// Takes a record apart; `None` for one that this sink did not make.
    fn of(record: &Record) -> Option<Message> {
        let mut lines = record.bytes.splitn(3, |byte| *byte == b'\n');
        let subject = std::str::from_utf8(lines.next()?).ok()?;
        let id = std::str::from_utf8(lines.next()?).ok()?;
        let payload = lines.next()?;
        Some(Message {
            subject: subject.to_owned(),
            id: id.to_owned(),
            payload: record.bytes.slice_ref(payload),
        })
    }
}

/// A message on its way.
enum Sent {
    /// The server has it, or will have it.
    Waiting(PublishAckFuture),
    /// The client did not send it.
    Failed(PublishError),
    /// The record is not one of this sink.
    Foreign,
}

#[async_trait]
impl Sink for NatsSink {
    fn prepare(&self, event: &Event) -> Prepared {
        let subject = self.template.of(event);
        let id = utf8_percent_encode(event.message_id(), NO_HEADER);
        let mut bytes = format!("{subject}\n{id}\n").into_bytes();
        event.write_to(&mut bytes);
        Prepared::Mapped(vec![Ok(Record {
            warnings: event.facts().warnings.clone(),
            ..Record::new(self.name.clone(), bytes)
        })])
    }

    async fn deliver(&self, batch: Batch) -> Report {
        let open = match self.link.open().await {
            Ok(open) => open,
            Err(error) if error.needs_operator() => return batch.hold(reasons::unconnected(&error)),
            Err(error) => return unsent(batch, &reasons::unconnected(&error)),
        };
        if let Some(time) = open.down() {
            return unsent(batch, &reasons::disconnected(time));
        }
        let mut waiting = Vec::with_capacity(batch.records().len());
        for record in batch.records() {
            waiting.push(publish(&open, record).await);
        }
        let answers = waiting.into_iter().map(|(subject, sent)| async move {
            match sent {
                Sent::Waiting(answer) => (subject, answer.await.map(drop)),
                Sent::Failed(error) => (subject, Err(error)),
                Sent::Foreign => (subject, Err(PublishError::new(PublishErrorKind::BrokenPipe))),
            }
        });
        let answers = open.client.watchdog().watch(join_all(answers)).await;
        let limit = open.client.nats().max_payload();
        let outcomes = batch.records().iter().zip(answers);
        let outcomes = outcomes.map(|(record, (subject, answer))| match answer {
            Ok(()) => Outcome::delivered(),
            Err(error) => failure(&error, &subject, record.bytes.len(), limit),
        });
        let outcomes = outcomes.collect();
        batch.settle_each(outcomes)
    }

    async fn probe(&self) -> Result<(), Reason> {
        let open = self
            .link
            .open()
            .await
            .map_err(|error| reasons::unconnected(&error))?;
        match open.down() {
            Some(time) => Err(reasons::disconnected(time)),
            None if open.flush().await => Ok(()),
            None => Err(reasons::no_answer()),
        }
    }

    /// As the protocol has it: `PUB`, the subject, the header and the payload.
    fn request(&self, record: &Arc<Record>) -> Option<RequestText> {
        let message = Message::of(record)?;
        Some(RequestText {
            method: "PUB".to_owned(),
            url: message.subject,
            headers: vec![("Nats-Msg-Id".to_owned(), message.id)],
            body: String::from_utf8_lossy(&message.payload).into_owned(),
        })
    }

    async fn close(&self) {
        if let Some(open) = self.link.opened().await
            && open.down().is_none()
        {
            open.flush().await;
        }
    }
}

/// Hands a record to the client, which writes it without waiting for the answer.
async fn publish(open: &Open, record: &Record) -> (String, Sent) {
    let Some(message) = Message::of(record) else {
        return (String::new(), Sent::Foreign);
    };
    let publish = PublishMessage::build()
        .payload(message.payload)
        .message_id(message.id);
    match open
        .jetstream
        .send_publish(message.subject.clone(), publish)
        .await
    {
        Ok(answer) => (message.subject, Sent::Waiting(answer)),
        Err(error) => (message.subject, Sent::Failed(error)),
    }
}

/// Retries a batch of which no record was sent.
fn unsent(batch: Batch, reason: &Reason) -> Report {
    batch.settle_all(|_| Outcome::Retry {
        reason: reason.clone(),
        after: None,
        maybe_written: false,
    })
}

fn failure(error: &PublishError, subject: &str, bytes: usize, limit: usize) -> Outcome {
    let retry = |reason: Reason, maybe_written: bool| Outcome::Retry {
        reason,
        after: None,
        maybe_written,
    };
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => Outcome::Rejected(reasons::too_large(bytes, Some(limit))),
        PublishErrorKind::StreamNotFound => retry(reasons::no_stream(subject), false),
        PublishErrorKind::TimedOut => retry(reasons::no_answer(), true),
        _ => {
            let source = std::error::Error::source(error);
            match source.and_then(|source| source.downcast_ref::<jetstream::Error>()) {
                Some(told) => match reasons::answered(told, bytes) {
                    (reason, true) => Outcome::Rejected(reason),
                    (reason, false) => retry(reason, false),
                },
                None => retry(reasons::interrupted(), true),
            }
        }
    }
}
