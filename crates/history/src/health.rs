//! The state of a history: how much it holds, and whether it can be written.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock::now;
use crate::db::Trouble;
use crate::files;
use crate::losses::{self, Content, Loss};

/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;

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
    /// Records that were in files which this process found deleted, overwritten or damaged, as far as their number is known.
    #[serde(default)]
    pub gone: u64,
    /// The latest of these losses, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
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

impl Health {
    /// Returns the latest losses, all those within a minute, if the history noticed them within the last day.
    #[must_use]
    pub fn recent_losses(&self) -> &[Loss] {
        let last = self.losses.last().filter(|loss| loss.is_recent(now()));
        let Some(last) = last else { return &[] };
        let first = self.losses.iter().position(|loss| last.at - loss.at < MINUTE);
        first
            .and_then(|first| self.losses.get(first..))
            .unwrap_or_default()
    }

    /// Returns the sentences about missing sums, with their times.
    #[must_use]
    pub fn lost_sums(&self) -> Vec<String> {
        let sums = self.losses.iter().filter(|loss| loss.sums);
        sums.map(Loss::dated).collect()
    }
}

/// The numbers behind [`Health`].
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) rows: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) lost: AtomicU64,
    gone: AtomicU64,
    losses: Mutex<Vec<Loss>>,
    /// Names of files that a search found damaged.
    suspects: Mutex<Vec<String>>,
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

impl Health {
    /// Says how many records are missing: `lacks 7 records since the start: 5 came faster …`; `None` if none is.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        let Health { dropped, lost, .. } = self;
        let missing = dropped + lost;
        let records = if missing == 1 { "record" } else { "records" };
        (missing > 0).then(|| {
            format!(
                "lacks {missing} {records} since the start: {dropped} came faster than it writes, {lost} could not be written"
            )
        })
    }
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
            gone: self.gone.load(Relaxed),
            losses: self.losses(),
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

    /// Notes and logs the loss of a file, or of several. `told` is a sentence without its end.
    pub(crate) fn lose(&self, content: Content, told: String) {
        let records = match content {
            Content::Sums => None,
            Content::Records(records) => records,
        };
        let loss = Loss {
            at: now(),
            sums: content == Content::Sums,
            records,
            told,
        };
        tracing::error!("a part of the history is lost, which costs no event: {loss}");
        self.gone.fetch_add(records.unwrap_or(0), Relaxed);
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        if losses.len() >= losses::MOST {
            losses.remove(0);
        }
        losses.push(loss);
    }

    /// Sets a damaged file aside, so that a new one can begin. `how` tells what became of it.
    ///
    /// # Errors
    /// [`Trouble`] if it cannot be renamed.
    pub(crate) fn set_aside(&self, path: &Path, how: &str, content: Content) -> Result<(), Trouble> {
        let aside = files::set_aside(path).map_err(|error| Trouble::io(path, &error))?;
        let (file, aside) = (losses::name(path), losses::name(&aside));
        self.lose(content, format!("{file} {how} and was set aside as {aside}"));
        Ok(())
    }

    /// Returns the latest losses, the oldest first.
    pub(crate) fn losses(&self) -> Vec<Loss> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets losses from before a moment (Unix milliseconds): their records would be too old by now.
    pub(crate) fn forget_losses(&self, before: i64) {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        losses.retain(|loss| loss.at >= before);
    }

    /// Notes a file that a search found damaged, for the thread to look at it.
    pub(crate) fn suspect(&self, name: String) {
        let mut suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        if !suspects.contains(&name) {
            suspects.push(name);
        }
    }

    /// Takes the names of the files that searches found damaged.
    pub(crate) fn suspects(&self) -> Vec<String> {
        std::mem::take(&mut *self.suspects.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that the thread has ended, so that nothing is written any more.
    pub(crate) fn ended(&self, told: &str) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.folder = Some(told.to_owned());
    }
}
