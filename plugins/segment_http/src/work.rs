//! How many requests are worked on at once.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Kilobytes of bodies that are being read into events, stored and answered. A parsed event takes five times its text
/// until it is stored and its sinks have read it; more of them at once would only wait longer, since this keeps every
/// part of the way busy. What waits for its turn is a body as it came.
const MOST_KB: u32 = 2 * 1024;

/// What a compressed body is taken to hold.
const INFLATES_TO: usize = 8;

/// Bounds the memory of requests under way, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Work(Semaphore);

impl Default for Work {
    fn default() -> Work {
        Work(Semaphore::new(MOST_KB as usize))
    }
}

impl Work {
    /// Waits until there is room for a request; it ends when what is returned is dropped.
    pub(crate) async fn begin(&self, headers: &HeaderMap, body: &Bytes) -> Option<SemaphorePermit<'_>> {
        let times = if headers.contains_key(CONTENT_ENCODING) {
            INFLATES_TO
        } else {
            1
        };
        let kilobytes = u32::try_from(body.len().saturating_mul(times) / 1024).unwrap_or(u32::MAX);
        // It is never closed.
        self.0.acquire_many(kilobytes.clamp(1, MOST_KB)).await.ok()
    }
}
