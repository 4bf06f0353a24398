//! The settings of a log.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use signalbox_nats::Watchdog;

use super::cipher::FrameCipher;
use crate::Position;
use crate::nats::subjects::Subjects;

/// Called with the number of events by source that become readable, and the position after them, before any reader gets
/// them.
pub(crate) type Readable = Box<dyn Fn(&BTreeMap<Arc<str>, u64>, Position) + Send + Sync>;

/// The settings with which a log is opened.
pub(crate) struct LogOptions {
    /// The names under the journal's prefix.
    pub(crate) subjects: Subjects,
    /// The replicas of the stream.
    pub(crate) replicas: usize,
    /// Bytes of the stream, beyond which it refuses frames.
    pub(crate) max_bytes: u64,
    /// Time for which an id is known from its first sight; zero for no deduplication.
    pub(crate) dedup_window: Duration,
    /// Bytes of memory for ids.
    pub(crate) dedup_memory: u64,
    /// The folder for files of ids, which may be deleted while no router runs; made if it is missing.
    pub(crate) cache: PathBuf,
    /// Bytes of parsed events in memory.
    pub(crate) cache_bytes: u64,
    /// The id of this process, which no other process ever has: letters, digits, `-` and `_`.
    pub(crate) start: String,
    /// The most frames on their way to the servers at once.
    pub(crate) under_way: usize,
    /// Time that an append waits for others while frames are under way.
    pub(crate) linger: Duration,
    /// The position behind all places in the log that the journal's states speak of. Events get no earlier one.
    pub(crate) behind: Position,
    /// Seals frames and hashes ids; `None` for a log in plain.
    pub(crate) cipher: Option<FrameCipher>,
    pub(crate) readable: Readable,
    /// Leaves a server that does not answer for frames.
    pub(crate) watchdog: Option<Arc<Watchdog>>,
}
