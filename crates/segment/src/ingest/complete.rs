//! Validates one event and completes it with the server's knowledge.

use std::borrow::Cow;
use std::sync::LazyLock;

use signalbox_core::json::Lenient;
use signalbox_core::{
    Document, Event, EventError, Kind, Node, Path, Reason, Receipt, RejectedInput, Scalar, Sha256Hex, Warning,
};

use super::batch_defaults::BatchDefaults;
use super::limits::{MAX_EVENT_BYTES, MAX_MESSAGE_ID_CHARS};
use super::reasons::{not_an_object, unparsable};
use super::reception::{EventType, Reception};
use super::{client, fields, not_numbers, times};
use crate::placeholder::is_placeholder;

static TYPE: LazyLock<Path> = LazyLock::new(|| Path::new("type"));
static MESSAGE_ID: LazyLock<Path> = LazyLock::new(|| Path::new("messageId"));
static CHANNEL: LazyLock<Path> = LazyLock::new(|| Path::new("channel"));
static IP: LazyLock<Path> = LazyLock::new(|| Path::new("context.ip"));
static USER_AGENT: LazyLock<Path> = LazyLock::new(|| Path::new("context.userAgent"));

/// Reads an event from its text.
pub(super) fn read(
    text: &str,
    kind: Option<EventType>,
    defaults: &BatchDefaults,
    reception: &Reception<'_>,
) -> Result<Event, RejectedInput> {
    complete(parse(text)?, kind, defaults, reception)
}

/// Parses an event's text, or refuses it if it is too long.
pub(super) fn parse(text: &str) -> Result<Lenient, RejectedInput> {
    if text.len() > MAX_EVENT_BYTES {
        return Err(nameless(Reason::new(
            "event_too_large",
            format!(
                "an event of {} bytes; at most {MAX_EVENT_BYTES} are taken",
                text.len()
            ),
        )));
    }
    Document::parse_lenient(text).map_err(|error| nameless(unparsable(error)))
}

/// Reads an event and changes nothing but `NaN` and `Infinity`. A completed event may be longer than the one that came.
pub(super) fn as_is(text: &str, reception: &Reception<'_>) -> Result<Event, RejectedInput> {
    let Lenient {
        document,
        not_numbers,
    } = Document::parse_lenient(text).map_err(|error| nameless(unparsable(error)))?;
    let warnings = not_numbers::warnings(document.root(), &not_numbers);
    into_event(document, reception, warnings)
}

fn nameless(reason: Reason) -> RejectedInput {
    RejectedInput {
        message_id: None,
        reason,
    }
}

/// Validates and completes a parsed event. One without `messageId` gets a UUID.
pub(super) fn complete(
    read: Lenient,
    kind: Option<EventType>,
    defaults: &BatchDefaults,
    reception: &Reception<'_>,
) -> Result<Event, RejectedInput> {
    complete_with(read, kind, defaults, reception, new_id)
}

/// Makes the id of an event that has none and no fixed position.
pub(super) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Completes as [`complete`] does; `new_id` makes the id of an event without `messageId`.
pub(super) fn complete_with(
    read: Lenient,
    kind: Option<EventType>,
    defaults: &BatchDefaults,
    reception: &Reception<'_>,
    new_id: impl FnOnce() -> String,
) -> Result<Event, RejectedInput> {
    let Lenient {
        mut document,
        not_numbers,
    } = read;
    if document.root().kind() != Kind::Object {
        return Err(nameless(not_an_object(document.root().kind().name())));
    }
    let mut warnings = not_numbers::warnings(document.root(), &not_numbers);
    warnings.extend_from_slice(&defaults.warnings);
    fields::tidy(&mut document);
    if let Err(reason) = set_type(&mut document, kind).and_then(|kind| check(document.root(), kind)) {
        return Err(RejectedInput {
            message_id: message_id(document.root()).map(|id| fitting(id).into_owned()),
            reason,
        });
    }
    warnings.extend(set_message_id(&mut document, new_id));
    merge(&mut document, defaults);
    set_client(&mut document, reception);
    warnings.extend(times::complete(&mut document, defaults, reception));
    into_event(document, reception, warnings)
}

fn into_event(
    document: Document,
    reception: &Reception<'_>,
    warnings: Vec<Warning>,
) -> Result<Event, RejectedInput> {
    let receipt = Receipt {
        source: reception.source.clone(),
        received_at: reception.received.0,
    };
    match Event::new(document, receipt) {
        Ok(mut event) => {
            if !warnings.is_empty() {
                event.facts_mut().warnings = warnings;
            }
            Ok(event)
        }
        Err(EventError::NotAnObject(kind)) => Err(nameless(not_an_object(kind.name()))),
        Err(EventError::Parse(error)) => Err(nameless(unparsable(error))),
    }
}

fn text<'d>(root: Node<'d>, key: &str) -> Option<&'d str> {
    root.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// Returns the event's own id; a placeholder, which many events share, is none.
fn message_id(root: Node<'_>) -> Option<&str> {
    text(root, "messageId").filter(|id| !is_placeholder(id))
}

/// Sets the id of an event without one. Returns a warning if a placeholder stood in its place.
fn set_message_id(document: &mut Document, new_id: impl FnOnce() -> String) -> Option<Warning> {
    let is_given = text(document.root(), "messageId").is_some();
    let (new, is_new) = match message_id(document.root()).map(fitting) {
        Some(Cow::Borrowed(_)) => return None,
        Some(Cow::Owned(short)) => (short, false),
        None => (new_id(), true),
    };
    document.set(&MESSAGE_ID, Scalar::String(&new));
    (is_given && is_new).then(|| {
        Warning::new(
            "message_id_placeholder",
            "messageId",
            "a placeholder such as undefined, not an id; the event got an id of its own, so duplicates of it stay unknown",
        )
    })
}

/// Shortens an id of more than [`MAX_MESSAGE_ID_CHARS`] characters to its beginning and the hash of the whole.
fn fitting(id: &str) -> Cow<'_, str> {
    const KEPT: usize = MAX_MESSAGE_ID_CHARS - 65;
    if id.chars().nth(MAX_MESSAGE_ID_CHARS).is_none() {
        return Cow::Borrowed(id);
    }
    let mut short: String = id.chars().take(KEPT).collect();
    short.push('-');
    short.push_str(Sha256Hex::of(id).as_str());
    Cow::Owned(short)
}

/// Sets the type to the path's, if that has one, and returns the event's type.
fn set_type(document: &mut Document, kind: Option<EventType>) -> Result<EventType, Reason> {
    let own = text(document.root(), "type").and_then(EventType::from_name);
    let Some(kind) = kind else {
        return own.ok_or_else(|| {
            Reason::new(
                "unknown_type",
                "`type` must be one of track, identify, page, screen, group, alias",
            )
        });
    };
    if own != Some(kind) {
        document.set(&TYPE, Scalar::String(kind.name()));
    }
    Ok(kind)
}

fn check(root: Node<'_>, kind: EventType) -> Result<(), Reason> {
    if text(root, "userId").is_none() && text(root, "anonymousId").is_none() {
        return Err(Reason::new(
            "no_user_anon_id",
            "an event must have a non-empty `userId` or `anonymousId`",
        ));
    }
    if kind == EventType::Track && text(root, "event").is_none() {
        return Err(Reason::new(
            "event_name_missing",
            "a track event must have a non-empty string `event`",
        ));
    }
    Ok(())
}

/// Merges the batch's `context` and `integrations` into the event: Go and Java SDKs send `library` once for a batch.
fn merge(document: &mut Document, defaults: &BatchDefaults) {
    for key in ["context", "integrations"] {
        let Some(from) = defaults.object(key) else {
            continue;
        };
        match document.root().get(key).map(Node::id) {
            Some(into) => document.merge_under(into, from),
            None => {
                let root = document.root().id();
                document.graft(root, key, from);
            }
        }
    }
}

fn set_client(document: &mut Document, reception: &Reception<'_>) {
    let context = document.root().get("context");
    let client = client::judge(context, reception.origin);
    let lacks = |key| {
        context
            .and_then(|context| context.get(key))
            .is_none_or(Node::is_null)
    };
    let (ip, user_agent) = (lacks("ip"), lacks("userAgent"));
    if client.device {
        if let Some(address) = reception.ip.filter(|_| ip) {
            document.set(&IP, Scalar::String(&address.to_string()));
        }
        if let Some(agent) = reception
            .user_agent
            .filter(|agent| user_agent && !agent.is_empty())
        {
            document.set(&USER_AGENT, Scalar::String(agent));
        }
    }
    if document.root().get("channel").is_none() {
        document.set(&CHANNEL, Scalar::String(client.channel.name()));
    }
}
