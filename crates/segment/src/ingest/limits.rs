//! Bounds on events and batches.

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

/// Characters of a `messageId`; longer ones are shortened, see [`super::Reception`].
pub const MAX_MESSAGE_ID_CHARS: usize = 100;
