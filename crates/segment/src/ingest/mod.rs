//! Ingestion of Segment events, shared by the HTTP source and the file source. Pure.
//!
//! [`split`] makes an [`Envelope`] of a body: its write key and its events, not validated yet. After the source has
//! checked the key, [`Envelope::events`] validates and completes each event by itself, so a bad one never harms its
//! neighbours. [`read_event`] does the same for one event without an envelope.
//!
//! The rules are those of Segment's HTTP Tracking API (Segment documentation, "HTTP Tracking API Source" and
//! "Common Fields"). Where it is silent or SDKs disagree:
//!
//! - The path decides the type of a single event, regardless of the body.
//! - Ids that are numbers become strings with the same digits; ids of other kinds count as missing.
//! - `context`, `properties`, `traits` and `integrations` that are not objects count as missing, as does `null` in any
//!   field of the specification. Unknown fields are passed on.
//! - An unreadable time becomes the time of receipt; its text stays in `originalTimestamp`, with a warning.
//! - A `messageId` that is a placeholder (`undefined`, `null`, zeros) counts as missing, with a warning: taken as an id, it
//!   would make duplicates of different events.
//! - `NaN`, `Infinity` and `-Infinity`, which Python's `json` writes, count as null where a value is due, with a warning.
//! - Lone surrogates become U+FFFD, the last of repeated keys wins, and numbers keep their spelling.
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
mod not_numbers;
mod pasted;
mod reasons;
mod reception;
mod times;
mod values;

#[cfg(test)]
mod tests;

use signalbox_core::json::Lenient;
use signalbox_core::{Event, Reason, RejectedInput};

pub use envelope::{Endpoint, Envelope, is_batch, split};
pub use limits::{
    MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_EVENT_BYTES, MAX_EXPANDED_BYTES, MAX_MESSAGE_ID_CHARS,
    MAX_SHARED_BYTES,
};
pub use pasted::read_pasted;
pub use reasons::too_large;
pub use reception::{EventType, Origin, Reception};
pub use values::{Layout, MAX_VALUE_BYTES, Place, Splitter, Value, value_too_long};

use batch_defaults::BatchDefaults;

/// Validates and completes an event without an envelope, for instance a line of a file.
///
/// # Errors
/// The reason for rejecting the event.
pub fn read_event(text: &str, reception: &Reception<'_>) -> Result<Event, RejectedInput> {
    complete::read(text, None, &BatchDefaults::default(), reception)
}

/// Reads an event as [`read_event`] does, for events at a fixed position (a line of a file): an event without
/// `messageId` gets the id that `new_id` makes, the same at each reading. That id may have [`MAX_MESSAGE_ID_CHARS`]
/// characters.
///
/// # Errors
/// The reason for rejecting the event.
pub fn read_event_at(
    text: &str,
    reception: &Reception<'_>,
    new_id: impl FnOnce() -> String,
) -> Result<Event, RejectedInput> {
    let read = complete::parse(text)?;
    complete::complete_with(read, None, &BatchDefaults::default(), reception, new_id)
}

/// Reads an event that is complete already, for instance one that a sink or the journal kept: neither validates nor completes it.
///
/// # Errors
/// The reason for rejecting the event: it is no JSON object, or nested too deep.
pub fn read_as_is(text: &str, reception: &Reception<'_>) -> Result<Event, RejectedInput> {
    complete::as_is(text, reception)
}

/// Completes an event that was not built from JSON text, but for instance from the parameters of a pixel.
///
/// # Errors
/// The reason for rejecting the event.
pub fn read_document(
    document: impl Into<Lenient>,
    kind: EventType,
    reception: &Reception<'_>,
) -> Result<Event, RejectedInput> {
    complete::complete(document.into(), Some(kind), &BatchDefaults::default(), reception)
}

/// Decodes a body: checks that it is UTF-8 and drops a byte order mark.
///
/// # Errors
/// `not_utf8`.
pub fn decode(body: &[u8]) -> Result<&str, Reason> {
    let text =
        simdutf8::basic::from_utf8(body).map_err(|_| Reason::new("not_utf8", "the text is not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
