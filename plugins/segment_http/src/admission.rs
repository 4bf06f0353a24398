//! Admission of requests to parsing and storing, bounded by the bytes of their bodies.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most kilobytes of bodies that are parsed, stored and answered at once. A parsed event takes five times its text
/// until it is stored and its sinks have read it. More at once would only wait longer, since this keeps every stage
/// busy; a waiting request holds its body as received.
const MOST_KB: u32 = 2 * 1024;

/// Assumed ratio of a compressed body to its contents.
const INFLATES_TO: usize = 8;

/// Bounds the memory of requests under way, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Admission(Semaphore);

impl Default for Admission {
    fn default() -> Admission {
        Admission(Semaphore::new(MOST_KB as usize))
    }
}

impl Admission {
    /// Waits until there is room for a request; dropping the permit ends it.
    pub(crate) async fn admit(&self, headers: &HeaderMap, body: &Bytes) -> Option<SemaphorePermit<'_>> {
        let times = if headers.contains_key(CONTENT_ENCODING) {
            INFLATES_TO
        } else {
            1
        };
        let kilobytes = u32::try_from(body.len().saturating_mul(times) / 1024).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        self.0.acquire_many(kilobytes.clamp(1, MOST_KB)).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_waits_and_what_never_fits_goes_alone() {
        let admission = Admission::default();
        let (plain, mut packed) = (HeaderMap::new(), HeaderMap::new());
        packed.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        let body = |kilobytes: usize| Bytes::from(vec![b' '; kilobytes * 1024]);
        let half = body(MOST_KB as usize / 2);
        let first = admission.admit(&plain, &half).await;
        let second = admission.admit(&plain, &half).await;
        assert!(admission.admit(&plain, &body(0)).now_or_never().is_none());
        drop(first);
        let packed_half = body(MOST_KB as usize / 2 / INFLATES_TO);
        let third = admission.admit(&packed, &packed_half).now_or_never().flatten();
        assert!(third.is_some() && admission.admit(&plain, &half).now_or_never().is_none());
        drop((second, third));
        assert!(admission.admit(&packed, &half).now_or_never().flatten().is_some());
    }
}
