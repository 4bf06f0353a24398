//! The state that requests share.

use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::capture::Capture;
use crate::counts::Counts;
use crate::faults::Faults;
use crate::inject::Injector;
use crate::options::SandboxConfig;

/// Bounds of the memory: the newest items of each kind, up to a number and a total of bytes.
const EVENTS_KEPT: usize = 100_000;
const REQUESTS_KEPT: usize = 1_000;
const BYTES_KEPT: usize = 64 << 20;
const PAIRS_KEPT: usize = 1_000_000;

/// A request to the destination's paths, as it arrived.
#[derive(Clone)]
pub struct Received {
    /// Path and query.
    pub target: String,
    /// The status answered; none if the answer broke off or the client hung up before it.
    pub status: Option<u16>,
    /// The body. The `Authorization` header is not kept.
    pub body: Bytes,
}

/// Bodies may hold personal data and are not shown.
impl fmt::Debug for Received {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Received")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The state behind the server.
pub(crate) struct Shared {
    pub(crate) config: SandboxConfig,
    /// Cancelled when the sandbox stops, or is dropped.
    pub(crate) stop: CancellationToken,
    memory: Mutex<Memory>,
}

/// The state that requests change.
pub(crate) struct Memory {
    pub(crate) injector: Injector,
    pub(crate) counts: Counts,
    pub(crate) events: Recent<String>,
    pub(crate) requests: Recent<Received>,
    pub(crate) pairs: Pairs,
    pub(crate) capture: Option<Capture>,
}

impl Shared {
    pub(crate) fn new(config: SandboxConfig, capture: Option<Capture>, stop: CancellationToken) -> Arc<Self> {
        let memory = Memory {
            injector: Injector::new(Faults::default()),
            counts: Counts::default(),
            events: Recent::new(EVENTS_KEPT),
            requests: Recent::new(REQUESTS_KEPT),
            pairs: Pairs::default(),
            capture,
        };
        Arc::new(Self {
            config,
            stop,
            memory: Mutex::new(memory),
        })
    }

    /// Never held across an await. A thread that panicked with it leaves counts that may be off by one,
    /// no reason to stop serving.
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Back to how it was at the start, except for the capture file.
    pub(crate) fn reset(&mut self) {
        self.injector = Injector::new(Faults::default());
        self.counts = Counts::default();
        self.events = Recent::new(EVENTS_KEPT);
        self.requests = Recent::new(REQUESTS_KEPT);
        self.pairs = Pairs::default();
    }
}

/// The newest of something, bounded in number and bytes.
pub(crate) struct Recent<T> {
    items: VecDeque<(usize, T)>,
    bytes: usize,
    most: usize,
}

impl<T: Clone> Recent<T> {
    fn new(most: usize) -> Self {
        Self {
            items: VecDeque::new(),
            bytes: 0,
            most,
        }
    }

    pub(crate) fn push(&mut self, bytes: usize, item: T) {
        self.items.push_back((bytes, item));
        self.bytes += bytes;
        while self.items.len() > self.most || self.bytes > BYTES_KEPT {
            let Some((bytes, _)) = self.items.pop_front() else {
                break;
            };
            self.bytes -= bytes;
        }
    }

    /// Returns the newest items, `most` at most, the oldest of them first.
    pub(crate) fn newest(&self, most: usize) -> Vec<T> {
        let skipped = self.items.len().saturating_sub(most);
        self.items
            .iter()
            .skip(skipped)
            .map(|(_, item)| item.clone())
            .collect()
    }
}

/// The pairs of event_name and event_id accepted before, as 64-bit hashes: among a million, two different pairs
/// are mistaken for each other about once in forty million runs.
#[derive(Default)]
pub(crate) struct Pairs {
    hasher: RandomState,
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Pairs {
    /// Remembers the pair; true if it was known already.
    pub(crate) fn seen_before(&mut self, pair: &(String, String)) -> bool {
        let hash = self.hasher.hash_one(pair);
        if !self.known.insert(hash) {
            return true;
        }
        self.order.push_back(hash);
        if self.order.len() > PAIRS_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_by_number_and_by_bytes() {
        let mut recent = Recent::new(2);
        for item in 1..=3 {
            recent.push(1, item);
        }
        assert_eq!(recent.newest(10), [2, 3]);
        assert_eq!(recent.newest(1), [3]);
        recent.push(BYTES_KEPT, 4);
        assert_eq!(recent.newest(10), [4]);
        recent.push(BYTES_KEPT + 1, 5);
        assert_eq!(recent.newest(10), Vec::<i32>::new());
    }

    #[test]
    fn pairs_are_told_apart_by_both_parts() {
        let mut pairs = Pairs::default();
        let pair = |name: &str, id: &str| (name.to_owned(), id.to_owned());
        assert!(!pairs.seen_before(&pair("lead", "1")));
        assert!(!pairs.seen_before(&pair("lead", "2")));
        assert!(!pairs.seen_before(&pair("search", "1")));
        assert!(pairs.seen_before(&pair("lead", "1")));
    }

    #[test]
    fn no_body_shows_in_debug_output() {
        let received = Received {
            target: "/v5".into(),
            status: Some(200),
            body: "ivy@example.com".into(),
        };
        assert!(!format!("{received:?}").contains("ivy"));
    }
}
