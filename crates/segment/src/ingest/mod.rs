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

mod batch_defaults;
mod batch_parts;
mod client;
mod complete;
mod envelope;
mod fast_path;
mod fields;
mod limits;
mod reasons;
mod reception;
mod times;

#[cfg(test)]
mod tests;

use signalbox_core::{Document, Event, Reason, RejectedInput};

pub use envelope::{Endpoint, Envelope, split};
pub use limits::{
    MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_EVENT_BYTES, MAX_EXPANDED_BYTES, MAX_MESSAGE_ID_CHARS,
    MAX_SHARED_BYTES,
};
pub use reasons::too_large;
pub use reception::{EventType, Origin, Reception};

use batch_defaults::BatchDefaults;

/// Validates and completes one event that stands alone, for instance a line of a file.
///
/// # Errors
/// The reason why it is no usable event.
pub fn read_event(text: &str, reception: &Reception<'_>) -> Result<Event, RejectedInput> {
    complete::read(text, None, &BatchDefaults::default(), reception)
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
    complete::complete_with(document, None, &BatchDefaults::default(), reception, new_id)
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
    complete::complete(document, Some(kind), &BatchDefaults::default(), reception)
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
