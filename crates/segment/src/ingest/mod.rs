//! Taking Segment events in: what the HTTP source and the file source have in common. Pure.
//!
//! A body is [`split`] into an [`Envelope`]: its write key and its events, not looked at yet. After the key was
//! checked, [`Envelope::events`] validates and completes each event for itself; a bad one never harms its
//! neighbours. [`read_event`] does the same for one event without an envelope.
//!
//! The rules are those of Segment's HTTP Tracking API (Segment documentation, "HTTP Tracking API Source" and
//! "Common Fields"). Where it is silent or SDKs disagree:
//!
//! - The type of a single-event endpoint is its path's, whatever the body says.
//! - Ids that are numbers become strings with the same digits; ids of other kinds count as missing.
//! - `context`, `properties`, `traits`, `integrations` that are no objects count as missing, `null` in any field
//!   of the specification likewise. Fields it does not know are passed on.
//! - A time nobody can read becomes the time of receipt; its text stays in `originalTimestamp`, with a warning.
//! - Lone surrogates become U+FFFD, of repeated keys the last wins, numbers keep their spelling.
//!
//! | code of the reason | meaning |
//! |---|---|
//! | `invalid_json` | not JSON (the whole body, or one event of a file) |
//! | `not_utf8` | not UTF-8 |
//! | `not_an_object` | JSON, but no object where one belongs |
//! | `batch_missing` | a batch without an array `batch` |
//! | `payload_too_large` | a body over its limit, or more than [`MAX_BATCH_EVENTS`] events |
//! | `event_too_large` | one event over [`MAX_EVENT_BYTES`] |
//! | `too_deep` | one event nested deeper than 100 levels |
//! | `unknown_type` | `type` is none of the six |
//! | `no_user_anon_id` | neither `userId` nor `anonymousId` |
//! | `event_name_missing` | a track call without `event` |

mod client;
mod complete;
mod envelope;
mod fast_path;
mod fields;
mod parts;
mod times;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use signalbox_core::{Document, Event, Reason, RejectedInput};

pub use envelope::{Endpoint, Envelope, split};

use crate::time::Millis;

/// Bytes of one event as sent: the documented 32 KiB, measured before SDKs add `writeKey`, `sentAt` and
/// `_metadata`, and 1 KiB for these.
pub const MAX_EVENT_BYTES: usize = 33 * 1024;

/// Bytes of a batch request, decompressed. Documented are 500 KB; SDKs count differently and reach 512 KiB and
/// an envelope.
pub const MAX_BATCH_BYTES: usize = 520 * 1024;

/// Events in one batch.
pub const MAX_BATCH_EVENTS: usize = 2500;

/// Bytes of a batch's own `context` and `integrations`, which every event of it gets a copy of. Real ones hold a
/// few hundred.
pub const MAX_SHARED_BYTES: usize = 16 * 1024;

/// Bytes of all events of a batch together after each got its copy: 500 KB must not become 40 MB.
pub const MAX_EXPANDED_BYTES: usize = 8 * 1024 * 1024;

/// Characters of a `messageId`; longer ones are shortened, see [`Reception`].
pub const MAX_MESSAGE_ID_CHARS: usize = 100;

/// The six calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A user did something.
    Track,
    /// Who a user is.
    Identify,
    /// A page was looked at.
    Page,
    /// A screen of an app was looked at.
    Screen,
    /// Which account a user belongs to.
    Group,
    /// Two ids are one user.
    Alias,
}

impl EventType {
    /// All six.
    pub const ALL: [EventType; 6] = [
        EventType::Track,
        EventType::Identify,
        EventType::Page,
        EventType::Screen,
        EventType::Group,
        EventType::Alias,
    ];

    /// As events spell it.
    pub fn name(self) -> &'static str {
        match self {
            EventType::Track => "track",
            EventType::Identify => "identify",
            EventType::Page => "page",
            EventType::Screen => "screen",
            EventType::Group => "group",
            EventType::Alias => "alias",
        }
    }

    /// Reads the spelling of events; `None` for any other text.
    pub fn from_name(name: &str) -> Option<EventType> {
        EventType::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How a request (or a line of a file) came in; the same for all its events.
///
/// Each event gets `receivedAt`; `messageId` if it has none (a UUID), and if it is longer than
/// [`MAX_MESSAGE_ID_CHARS`] a shorter one: its beginning and a hash of the whole, since cutting alone would make
/// different ids equal; `sentAt`, `originalTimestamp` and `timestamp` in UTC; and, if it comes from a user's
/// device, `context.ip` and `context.userAgent` unless it has them.
#[derive(Debug, Clone)]
pub struct Reception<'r> {
    /// The source's name in the pipeline file.
    pub source: Arc<str>,
    /// The server's clock when the request was read.
    pub received: Millis,
    /// What the request itself says of where it comes from.
    pub origin: Origin,
    /// The client's address, for events of users' devices only.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header, for events of users' devices only.
    pub user_agent: Option<&'r str>,
    /// Whether `sentAt` was read off the client's clock just before `received`, so that their difference is the
    /// clock's error. False for files: there it is the file's age, and `timestamp` is kept as it stands.
    pub live: bool,
}

/// What a request says of where its events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A user's device for certain: a pixel, a path only browsers use, an `Origin` header.
    Device,
    /// A path that browsers and apps use, so a device unless the event names another library.
    LikelyDevice,
    /// Nothing: the event's library decides, and `context.direct`.
    Unknown,
}

/// Validates and completes one event that stands alone, for instance a line of a file.
///
/// # Errors
/// The reason why it is no usable event.
pub fn read_event(text: &str, reception: &Reception<'_>) -> Result<Event, RejectedInput> {
    complete::read(text, None, &envelope::Shared::default(), reception)
}

/// Reads an event as [`read_event`] does, for events that have a fixed place (a line of a file): an event without
/// `messageId` gets the id that `new_id` makes, instead of a new one at each reading. That id may have
/// [`MAX_MESSAGE_ID_CHARS`] characters.
///
/// # Errors
/// The reason why it is no usable event.
pub fn read_event_at(
    text: &str,
    reception: &Reception<'_>,
    new_id: impl FnOnce() -> String,
) -> Result<Event, RejectedInput> {
    let document = complete::parse(text)?;
    complete::complete_with(document, None, &envelope::Shared::default(), reception, new_id)
}

/// Completes an event that was put together from something else than JSON text (the parameters of a pixel).
///
/// # Errors
/// The reason why it is no usable event.
pub fn read_document(
    document: Document,
    kind: EventType,
    reception: &Reception<'_>,
) -> Result<Event, RejectedInput> {
    complete::complete(document, Some(kind), &envelope::Shared::default(), reception)
}

/// Decodes a body: valid UTF-8, a byte order mark dropped.
///
/// # Errors
/// `not_utf8`.
pub fn decode(body: &[u8]) -> Result<&str, Reason> {
    let text =
        simdutf8::basic::from_utf8(body).map_err(|_| Reason::new("not_utf8", "the text is not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The reason for a body over its limit; the message is the one Segment documents.
pub fn too_large() -> Reason {
    Reason::new("payload_too_large", "Exceed payload limit")
}
