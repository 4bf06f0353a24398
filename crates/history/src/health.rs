//! The state of a history: how much it holds, and whether it can be written.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::db::Trouble;

/// The state of a history, for the status and the page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The sentence that says why the history cannot be written, and what to do; `None` while all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
    /// Rows written by this process.
    pub rows: u64,
    /// Records whose rows this process dropped since too many waited for the history's thread. The sums count them, unless
    /// thousands of handovers waited.
    pub dropped: u64,
    /// Records that this process lost since a file could not be written: rows, whose records the sums count, and records whose
    /// sums waited for too long.
    pub lost: u64,
    /// Records whose rows wait for the history's thread.
    pub queued: u64,
    /// Files of rows.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// The records of which rows are kept: `all`, `failures` or `off`.
    #[serde(default)]
    pub events: String,
    /// The most bytes of rows; `None` if no rows are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// The numbers behind [`Health`].
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) rows: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) queued: AtomicU64,
    pub(crate) queued_bytes: AtomicU64,
    pub(crate) files: AtomicU64,
    pub(crate) bytes: AtomicU64,
    failing: Mutex<Failing>,
}

#[derive(Debug, Default)]
struct Failing {
    rows: Option<String>,
    sums: Option<String>,
    folder: Option<String>,
}

/// The part of a history that may fail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Rows,
    Sums,
    Folder,
}

impl Numbers {
    pub(crate) fn health(&self) -> Health {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let failing = failing
            .rows
            .as_ref()
            .or(failing.sums.as_ref())
            .or(failing.folder.as_ref());
        Health {
            failing: failing.cloned(),
            rows: self.rows.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            lost: self.lost.load(Relaxed),
            queued: self.queued.load(Relaxed),
            files: self.files.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            events: String::new(),
            max_bytes: None,
        }
    }

    /// Notes the trouble of a part, or that all went well, and logs when that changes.
    pub(crate) fn went(&self, part: Part, trouble: Option<&Trouble>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match part {
            Part::Rows => &mut failing.rows,
            Part::Sums => &mut failing.sums,
            Part::Folder => &mut failing.folder,
        };
        let now = trouble.map(ToString::to_string);
        if now == *before {
            return;
        }
        match &now {
            Some(told) => tracing::error!("the history cannot be kept, which costs no event: {told}"),
            None => tracing::info!("the history can be written again"),
        }
        *before = now;
    }

    /// Notes that the thread has ended, so that nothing is written any more.
    pub(crate) fn ended(&self, told: &str) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.folder = Some(told.to_owned());
    }
}
