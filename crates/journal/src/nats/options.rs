//! The settings of a journal on NATS.

use std::path::PathBuf;
use std::time::Duration;

use crate::{DeadLetterQuota, Keys};

/// Where and how much a [`crate::NatsJournal`] keeps.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// The beginning of the names of streams and subjects: letters, digits, `-` and `_`. Default `sbx`.
    pub prefix: String,
    /// The name of this router, which no other router of the journal has.
    pub node: String,
    /// The time that a router may be silent before others drive its sinks. Default 10 s.
    pub takeover: Duration,
    /// The number of servers that keep each event and each state. Default 3.
    pub replicas: usize,
    /// Bytes of events at the servers; appends beyond are refused. Default 10 GB.
    pub max_bytes: u64,
    /// Time for which events that every sink has settled are kept for replay. Default 24 hours.
    pub retain: Duration,
    /// Time for which a `messageId` is known from its first sight. Zero: no deduplication. Default 24 hours.
    pub dedup_window: Duration,
    /// Bytes of memory for deduplication. Default 256 MB.
    pub dedup_memory: u64,
    /// The folder for ids of events, which may be deleted while the router does not run; made if it is missing. One router at
    /// a time.
    pub cache: PathBuf,
    /// Bytes of parsed events kept for sinks that keep pace. Default 16 MB.
    pub cache_bytes: u64,
    /// Time that an append waits for others to share its message. Default 1 ms.
    pub linger: Duration,
    /// The quota of dead letters. Default 1 GB for each sink, and 256 MB for each source.
    pub dead_letters: DeadLetterQuota,
    /// The operator's keys, the newest first: the journal is sealed. Default: none, it is in plain.
    pub keys: Option<Keys>,
}

impl NatsOptions {
    /// The defaults for a router of this name with this cache folder.
    pub fn new(node: impl Into<String>, cache: impl Into<PathBuf>) -> NatsOptions {
        NatsOptions {
            prefix: "sbx".into(),
            node: node.into(),
            takeover: Duration::from_secs(10),
            replicas: 3,
            max_bytes: 10_000_000_000,
            retain: Duration::from_secs(24 * 3600),
            dedup_window: Duration::from_secs(24 * 3600),
            dedup_memory: 256_000_000,
            cache: cache.into(),
            cache_bytes: 16_000_000,
            linger: Duration::from_millis(1),
            dead_letters: DeadLetterQuota::default(),
            keys: None,
        }
    }
}
