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
use crate::faults::{Faults, Kind};
use crate::inject::Injector;
use crate::options::SandboxConfig;
use crate::vendor::Vendor;

/// Bounds of the memory: the newest items of each kind, up to a number and a total of bytes.
const EVENTS_KEPT: usize = 100_000;
const REQUESTS_KEPT: usize = 1_000;
const BYTES_KEPT: usize = 64 << 20;
const KEYS_KEPT: usize = 1_000_000;

/// A request to the destination's paths, as it arrived.
#[derive(Clone)]
pub struct Received {
    /// The vendor whose path it is; none for paths of no vendor that is played.
    pub vendor: Option<Vendor>,
    /// Path and query; the value of an `access_token` is not kept.
    pub target: String,
    /// The status answered; none if the answer broke off or the client hung up before it.
    pub status: Option<u16>,
    /// The body. Headers are not kept.
    pub body: Bytes,
}

/// Bodies may hold personal data and are not shown.
impl fmt::Debug for Received {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Received")
            .field("vendor", &self.vendor)
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
    /// The faults last set for every vendor.
    common_faults: Faults,
    /// The faults of each vendor, in the order of [`Vendor::ALL`].
    injectors: [Injector; Vendor::ALL.len()],
    counts: Counts,
    pub(crate) events: Recent<(Vendor, String)>,
    pub(crate) requests: Recent<Received>,
    pub(crate) keys: Keys,
    pub(crate) capture: Option<Capture>,
}

impl Shared {
    pub(crate) fn new(config: SandboxConfig, capture: Option<Capture>, stop: CancellationToken) -> Arc<Self> {
        let memory = Memory::new(capture);
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
    fn new(capture: Option<Capture>) -> Self {
        Self {
            common_faults: Faults::default(),
            injectors: Vendor::ALL.map(|_| Injector::new(Faults::default())),
            counts: Counts::default(),
            events: Recent::new(EVENTS_KEPT),
            requests: Recent::new(REQUESTS_KEPT),
            keys: Keys::default(),
            capture,
        }
    }

    /// Back to how it was at the start, except for the capture file.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.capture.take());
    }

    /// The faults in force at the vendor.
    pub(crate) fn injector(&mut self, vendor: Vendor) -> &mut Injector {
        // The variants stand in the order of `ALL`.
        &mut self.injectors[vendor as usize]
    }

    /// Returns the faults in force at the vendor, or those last set for every vendor.
    pub(crate) fn faults(&self, vendor: Option<Vendor>) -> &Faults {
        vendor.map_or(&self.common_faults, |vendor| {
            self.injectors[vendor as usize].faults()
        })
    }

    /// Replaces the faults of every vendor; their counters and dice start anew.
    pub(crate) fn set_common_faults(&mut self, faults: Faults) {
        for vendor in Vendor::ALL {
            *self.injector(vendor) = Injector::new(faults.clone());
        }
        self.common_faults = faults;
    }

    /// Returns true if the fault strikes now, and counts it.
    pub(crate) fn strikes(&mut self, vendor: Vendor, kind: Kind) -> bool {
        let strikes = self.injector(vendor).strikes(kind);
        if strikes {
            self.count(vendor, |counts| counts.fault(kind.name()));
        }
        strikes
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Changes the total and the vendor's own counts.
    pub(crate) fn count(&mut self, vendor: impl Into<Option<Vendor>>, change: impl Fn(&mut Counts)) {
        change(&mut self.counts);
        if let Some(vendor) = vendor.into() {
            change(self.counts.by_vendor.entry(vendor).or_default());
        }
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

    /// Returns the newest of the items that are wanted, `most` at most, the oldest of them first.
    pub(crate) fn newest(&self, most: usize, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let items = self.items.iter().rev().map(|(_, item)| item);
        let mut newest: Vec<T> = items.filter(|item| wanted(item)).take(most).cloned().collect();
        newest.reverse();
        newest
    }
}

/// The deduplication keys of events accepted before, as 64-bit hashes: among a million, two different keys
/// are mistaken for each other about once in forty million runs.
#[derive(Default)]
pub(crate) struct Keys {
    hasher: RandomState,
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Keys {
    /// Remembers the vendor's key; true if it was known already.
    pub(crate) fn seen_before(&mut self, vendor: Vendor, key: &[String; 3]) -> bool {
        let hash = self.hasher.hash_one((vendor, key));
        if !self.known.insert(hash) {
            return true;
        }
        self.order.push_back(hash);
        if self.order.len() > KEYS_KEPT
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
        assert_eq!(recent.newest(10, |_| true), [2, 3]);
        assert_eq!(recent.newest(1, |_| true), [3]);
        recent.push(BYTES_KEPT, 4);
        assert_eq!(recent.newest(10, |_| true), [4]);
        recent.push(BYTES_KEPT + 1, 5);
        assert_eq!(recent.newest(10, |_| true), Vec::<i32>::new());
    }

    #[test]
    fn keys_are_told_apart_by_vendor_and_every_part() {
        let mut keys = Keys::default();
        let key = |parts: [&str; 3]| parts.map(str::to_owned);
        let lead = key(["a", "lead", "1"]);
        assert!(!keys.seen_before(Vendor::Meta, &lead));
        assert!(!keys.seen_before(Vendor::TikTok, &lead));
        for other in [["b", "lead", "1"], ["a", "search", "1"], ["a", "lead", "2"]] {
            assert!(!keys.seen_before(Vendor::Meta, &key(other)), "{other:?}");
        }
        assert!(keys.seen_before(Vendor::Meta, &lead));
    }

    #[test]
    fn no_body_shows_in_debug_output() {
        let received = Received {
            vendor: Some(Vendor::Pinterest),
            target: "/v5".into(),
            status: Some(200),
            body: "ivy@example.com".into(),
        };
        assert!(!format!("{received:?}").contains("ivy"));
    }
}
