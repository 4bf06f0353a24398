//! The state that the parts of a log share.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, watch};

use super::blocks::Counts;
use super::cache::{FrameCache, FrameEvents};
use super::followed::Followed;
use super::header::FrameHeader;
use super::health::Health;
use super::ids::{self, IdHasher};
use super::options::LogOptions;
use super::place;
use super::stream::Stream;
use super::tend;
use crate::Position;
use crate::dedup::{Dedup as _, Id, IdStore};
use crate::log::file_key::FileKey;
use crate::mutex::lock;

/// See the module.
pub(super) struct Shared {
    pub(super) stream: Stream,
    pub(super) options: LogOptions,
    /// The moment at which the stream was made.
    pub(super) created: String,
    pub(super) hasher: IdHasher,
    /// Opens sealed frames.
    pub(super) opener: Option<FileKey>,
    /// Held while frames are taken in and while the cache is written, so that ids and snapshot agree.
    pub(super) working: Mutex<()>,
    /// The known ids. Never locked while `followed` is.
    pub(super) ids: Mutex<IdStore>,
    pub(super) followed: Mutex<Followed>,
    /// Held while the frames of a block are read again.
    pub(super) reading_detail: tokio::sync::Mutex<()>,
    /// Held while frames are fetched from an even or an odd sequence on.
    pub(super) reading: [tokio::sync::Mutex<()>; 2],
    /// The newest sequence that was followed.
    pub(super) sequence: watch::Sender<u64>,
    /// The newest sequence that the stream is known to have.
    pub(super) known: AtomicU64,
    /// The oldest sequence that the stream has.
    pub(super) first: AtomicU64,
    /// The newest sequence when the log was opened.
    pub(super) opened_at: u64,
    /// The newest sequence at which a frame of this router was stored.
    pub(super) acknowledged: AtomicU64,
    /// The newest sequence that was followed when the stream's state was last asked for.
    pub(super) last_look: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) max_bytes: AtomicU64,
    pub(super) news: Notify,
    /// Wakes the follower to fetch frames that its consumer has not brought.
    pub(super) behind: Notify,
    pub(super) cache: Mutex<FrameCache>,
    /// The events of frames that this process publishes, by their number.
    pub(super) under_way: Mutex<HashMap<u64, FrameEvents>>,
    pub(super) next_number: AtomicU64,
    /// The unreadable frames that were logged.
    pub(super) reported: Mutex<HashSet<u64>>,
    pub(super) health: Health,
    /// Set to true when the log shuts down: its tasks end.
    pub(super) stop: watch::Sender<bool>,
}

impl Shared {
    /// The newest sequence that was followed.
    pub(super) fn followed_to(&self) -> u64 {
        *self.sequence.borrow()
    }

    /// The position after the newest event that was followed.
    pub(super) fn end(&self) -> Position {
        place::start(self.followed_to() + 1)
    }

    /// Takes in the headers of frames, in order, and tends the cache. Blocks: looking for an id may read a file.
    pub(super) fn follow(&self, frames: Vec<FrameHeader>) {
        let working = lock(&self.working);
        self.take_in(frames);
        tend::tend(self);
        drop(working);
    }

    fn take_in(&self, frames: Vec<FrameHeader>) {
        let mut counts = Counts::new();
        let mut gone = Vec::new();
        let mut to = None;
        for frame in frames {
            let (learnt_to, counted_to) = {
                let followed = lock(&self.followed);
                (followed.learnt_to, followed.to)
            };
            if frame.sequence <= learnt_to {
                continue;
            }
            if frame.sequence <= counted_to {
                self.learn_again(&frame);
                continue;
            }
            let duplicates = self.judge(&frame);
            if let Some(events) = frame.own.and_then(|number| lock(&self.under_way).remove(&number)) {
                gone.append(&mut lock(&self.cache).add(frame.sequence, events));
            }
            let fresh = frame.events() - duplicates.len();
            if fresh > 0 {
                *counts.entry(frame.source.clone()).or_default() += fresh as u64;
            }
            let mut followed = lock(&self.followed);
            followed.blocks.add(&frame.facts(), duplicates.len());
            followed.marks.set(frame.sequence, duplicates);
            (followed.to, followed.learnt_to) = (frame.sequence, frame.sequence);
            followed.stored = followed.stored.max(frame.stored);
            to = Some(frame.sequence);
        }
        if let Some(to) = to {
            self.advance(to, &counts);
        }
        drop(gone);
    }

    /// Makes frames readable.
    fn advance(&self, to: u64, counts: &Counts) {
        (self.options.readable)(counts, place::start(to + 1));
        self.known.fetch_max(to, SeqCst);
        self.sequence.send_replace(to);
        self.news.notify_waiters();
    }

    /// Notes that there is nothing between the newest followed frame and a sequence, which was purged.
    pub(super) fn pass_over(&self, before: u64) {
        let mut followed = lock(&self.followed);
        let to = before.saturating_sub(1);
        if to <= followed.learnt_to {
            return;
        }
        followed.learnt_to = to;
        let news = to > followed.to;
        followed.to = followed.to.max(to);
        drop(followed);
        if news {
            self.advance(to, &Counts::new());
        }
    }

    /// Learns the ids of a frame. Returns the indices of the events whose id was known.
    fn judge(&self, frame: &FrameHeader) -> Vec<u16> {
        let mut duplicates = Vec::new();
        let mut known = lock(&self.ids);
        for (index, hash) in frame.ids.iter().flatten().enumerate() {
            let id = Id::hashed(*hash);
            if *hash == ids::NONE {
                continue;
            }
            if known.knows(id, frame.stored) {
                duplicates.push(index as u16);
            } else {
                known.learn(id, frame.stored);
            }
        }
        duplicates
    }

    /// Learns the ids of a frame that was judged before a restart.
    fn learn_again(&self, frame: &FrameHeader) {
        let mut followed = lock(&self.followed);
        followed.learnt_to = frame.sequence;
        let duplicates = followed.marks.of(frame.sequence).to_vec();
        drop(followed);
        let mut known = lock(&self.ids);
        for (index, hash) in frame.ids.iter().flatten().enumerate() {
            if *hash != ids::NONE && duplicates.binary_search(&(index as u16)).is_err() {
                known.learn(Id::hashed(*hash), frame.stored);
            }
        }
    }

    /// The sentence with which requests fail once the stream is gone.
    pub(super) fn lost_stream(&self) -> Result<(), crate::JournalError> {
        match self.health.is_gone() {
            Some(why) => Err(crate::JournalError(why)),
            None => Ok(()),
        }
    }

    /// True once the log is to stop.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

/// Runs blocking work on a thread for it.
pub(super) async fn blocking<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&Shared) -> T + Send + 'static,
) -> Option<T> {
    let shared = shared.clone();
    // It fails only while the runtime is shutting down.
    tokio::task::spawn_blocking(move || work(&shared)).await.ok()
}
