//! The settings of the disk journal.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::{DeadLetterQuota, Keys};

/// Where and how much a [`crate::DiskJournal`] keeps.
#[derive(Debug, Clone)]
pub struct DiskOptions {
    /// The folder; made if it is missing. One router at a time.
    pub path: PathBuf,
    /// Bytes of events that some sink has not settled; appends beyond are refused. Events kept for replay only are
    /// deleted first. The folder may be larger by about two files, the dead letters and the ids. Default 10 GB.
    pub max_bytes: u64,
    /// Events that arrived longer ago than this are dropped even if a sink has not settled them; its reader then
    /// gets [`crate::Read::Lost`]. Whole files are dropped, so some stay longer. Default: no limit.
    pub max_age: Option<Duration>,
    /// Time for which events that every sink has settled are kept for replay. Default 24 hours.
    pub retain: Duration,
    /// Bytes after which a new file of frames is begun (one is begun every hour anyway): the unit in which space is
    /// given back and, after a crash, checked (about 3 s per GB). Default 256 MB.
    pub file_bytes: u64,
    /// Time that an append waits for others to share its commit. Default 1 ms. Appends that come while a commit is being
    /// written share the next one in any case.
    pub linger: Duration,
    /// Time for which a `messageId` is known from its first sight. Zero: no deduplication. Default 24 hours.
    pub dedup_window: Duration,
    /// Bytes of memory for deduplication, about 12 to 25 an id; ids beyond are looked up on disk, which costs some
    /// microseconds an event. Default 256 MB (some 14 million ids).
    pub dedup_memory: u64,
    /// Bytes of parsed events kept for sinks that keep pace. Default 16 MB.
    pub cache_bytes: u64,
    /// The quota of dead letters. Default 1 GB for each sink, which is held once it is reached, and 256 MB for each
    /// source.
    pub dead_letters: DeadLetterQuota,
    /// Bytes of disk space that are set aside for the state and the ids, in case the disk becomes full. Default 16 MiB.
    pub ballast_bytes: u64,
    /// The operator's keys, the newest first: the journal is sealed. Default: none, it is in plain.
    pub keys: Option<Keys>,
    /// Opens the journal even if its list of erasures is lost or older than the journal's mark of it, and goes on with what
    /// is left of it. For an operator who repeats the erasures. Default: such a journal is refused.
    pub accept_lost_erasures: bool,
    /// The system's clock. Tests set theirs back.
    pub wall: fn() -> SystemTime,
}

impl DiskOptions {
    /// The defaults at a path.
    pub fn new(path: impl Into<PathBuf>) -> DiskOptions {
        DiskOptions {
            path: path.into(),
            max_bytes: 10_000_000_000,
            max_age: None,
            retain: Duration::from_secs(24 * 3600),
            file_bytes: 256_000_000,
            linger: Duration::from_millis(1),
            dedup_window: Duration::from_secs(24 * 3600),
            dedup_memory: 256_000_000,
            cache_bytes: 16_000_000,
            dead_letters: DeadLetterQuota::default(),
            ballast_bytes: 16 << 20,
            keys: None,
            accept_lost_erasures: false,
            wall: SystemTime::now,
        }
    }
}

/// Milliseconds, as times are kept.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
