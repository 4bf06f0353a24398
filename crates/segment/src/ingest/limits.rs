//! Bounds on events and batches.

/// Maximum length of one event as sent, in bytes: the documented 32 KiB, measured before SDKs add `writeKey`, `sentAt`
/// and `_metadata`, and 1 KiB for these.
pub const MAX_EVENT_BYTES: usize = 33 * 1024;

/// Maximum length of a decompressed batch request, in bytes. Segment documents 500 KB; SDKs count differently and reach
/// 512 KiB and an envelope.
pub const MAX_BATCH_BYTES: usize = 520 * 1024;

/// Maximum number of events in a batch.
pub const MAX_BATCH_EVENTS: usize = 2500;

/// Maximum length of a batch's `context` and `integrations`, in bytes. Each event gets a copy of them. Real ones have a
/// few hundred bytes.
pub const MAX_SHARED_BYTES: usize = 16 * 1024;

/// Maximum length of a batch's events together, each with its copy of the defaults: 500 KB must not become 40 MB.
pub const MAX_EXPANDED_BYTES: usize = 8 * 1024 * 1024;

/// Maximum length of a `messageId`, in characters; longer ones are shortened, see [`super::Reception`].
pub const MAX_MESSAGE_ID_CHARS: usize = 100;
