//! The audit log: the acts of callers, each with its time. A line is on the disk before its act is answered.
//!
//! An act whose line cannot be written is done already: the log gets it as an error, and the line waits in memory. Until the
//! waiting lines are on the disk, further acts are refused, so that no more than those under way can stay unrecorded.

mod entry;
mod file;
mod recorded;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::entry::{AuditEntry, AuditResult, Deed};
use self::file::AuditFile;
pub(crate) use self::recorded::recorded;
use crate::caller::Caller;

/// The most lines that wait for a file that cannot be written.
const WAITING: usize = 100;

/// The audit log of a router.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` after an error, until it can be opened again.
    file: Option<AuditFile>,
    /// Number of the next line.
    next: u64,
    waiting: VecDeque<AuditEntry>,
    /// Why the lines wait.
    failing: Option<String>,
}

/// An act to be recorded.
pub(crate) struct Act<'a> {
    /// `None` for a sign-in that failed.
    pub(crate) caller: Option<&'a Caller>,
    pub(crate) from: String,
    pub(crate) action: &'a str,
    pub(crate) deed: Deed,
    pub(crate) status: u16,
    /// True if the line waits while the log cannot be written. Sign-ins go on meanwhile, and their lines would take the place of
    /// those of acts.
    pub(crate) waits: bool,
}

/// A part of the audit log, the newest line first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditPage {
    /// The lines.
    pub entries: Vec<AuditEntry>,
    /// The number before which the next page begins; `None` if this is the last.
    pub next: Option<u64>,
}

/// The audit log in the status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditStatus {
    /// Why the log cannot be written, since when acts are refused.
    pub failing: Option<String>,
}

impl Audit {
    /// Opens or creates the file. Reads it for the number of its last line. With a disk that takes nothing now, since it is full or
    /// has become read-only, the log begins as failing: acts are refused, and the deliveries of the router begin.
    ///
    /// # Errors
    /// The reason why it cannot be opened or read, with the path.
    pub fn open(path: &Path) -> Result<Audit, String> {
        let told = |error: std::io::Error| {
            let path = path.display();
            format!(
                "the audit log {path} cannot be opened: {error}; see to its folder, or set admin.audit to another path"
            )
        };
        let newest = |path: &Path| file::read(path).map(|entries| entries.first().map(|entry| entry.n));
        let (file, failing) = match AuditFile::open(path) {
            Ok(file) => (Some(file), None),
            Err(error) if file::is_of_the_disk(&error) => {
                let problem = format!("the audit log {} cannot be written: {error}", path.display());
                tracing::error!("{problem}");
                (None, Some(problem))
            }
            Err(error) => return Err(told(error)),
        };
        let last = match newest(path).map_err(told)? {
            Some(last) => Some(last),
            None => newest(&file::before(path)).map_err(told)?,
        };
        Ok(Audit {
            path: path.to_owned(),
            state: Mutex::new(State {
                file,
                next: last.map_or(1, |last| last.saturating_add(1)),
                waiting: VecDeque::new(),
                failing,
            }),
        })
    }

    /// Returns `Ok` if acts can be recorded. Tries to write the waiting lines first, if there are any. Blocks.
    ///
    /// # Errors
    /// The reason why not.
    pub(crate) fn ready(&self) -> Result<(), String> {
        let mut state = self.lock();
        if state.failing.is_some() {
            state.write(&self.path);
        }
        state.failing.clone().map_or(Ok(()), Err)
    }

    /// Records an act, and returns once the line is on the disk or waits for it. Blocks.
    pub(crate) fn record(&self, act: Act<'_>) {
        let now = Timestamp::now();
        let at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let mut state = self.lock();
        let entry = AuditEntry {
            n: state.next,
            at: at.to_string(),
            who: act.caller.map(|caller| caller.name.to_string()),
            role: act.caller.map(|caller| caller.role),
            from: act.from,
            action: act.action.to_owned(),
            sink: act.deed.sink.clone(),
            facts: act.deed.facts(),
            status: act.status,
            result: Some(AuditResult::of(act.status)),
            reason: entry::reason(act.status),
        };
        if !act.waits && state.failing.is_some() {
            state.write(&self.path);
            if let Some(problem) = &state.failing {
                tracing::error!(
                    who = entry.who,
                    action = entry.action,
                    status = entry.status,
                    "{problem}"
                );
                return;
            }
        }
        state.next += 1;
        if state.waiting.len() == WAITING
            && let Some(lost) = state.waiting.pop_front()
        {
            tracing::error!(
                n = lost.n,
                action = lost.action,
                "the audit log loses a line, since it cannot be written"
            );
        }
        state.waiting.push_back(entry);
        state.write(&self.path);
    }

    /// Returns the lines before a number, the newest first. Blocks.
    ///
    /// # Errors
    /// The reason why the files cannot be read.
    pub fn page(&self, before: Option<u64>, limit: usize) -> Result<AuditPage, String> {
        let mut bound = before.unwrap_or(u64::MAX);
        let mut entries: Vec<AuditEntry> = Vec::new();
        for path in [self.path.clone(), file::before(&self.path)] {
            let found =
                file::read(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            for entry in found {
                // A file that was rotated meanwhile shows the same lines again.
                if entry.n >= bound {
                    continue;
                }
                if entries.len() == limit {
                    return Ok(AuditPage {
                        entries,
                        next: Some(bound),
                    });
                }
                bound = entry.n;
                entries.push(entry);
            }
        }
        Ok(AuditPage { entries, next: None })
    }

    /// Returns the state for the status.
    #[must_use]
    pub fn status(&self) -> AuditStatus {
        AuditStatus {
            failing: self.lock().failing.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Writes the waiting lines.
    fn write(&mut self, path: &Path) {
        match self.try_write(path) {
            Ok(()) => {
                self.waiting.clear();
                if self.failing.take().is_some() {
                    tracing::info!(path = %path.display(), "the audit log is written again");
                }
            }
            Err(error) => {
                // A part of a line may be written: opening the file again ends it.
                self.file = None;
                let problem = format!("the audit log {} cannot be written: {error}", path.display());
                for entry in &self.waiting {
                    tracing::error!(
                        n = entry.n,
                        who = entry.who,
                        action = entry.action,
                        status = entry.status,
                        "{problem}"
                    );
                }
                self.failing = Some(problem);
            }
        }
    }

    fn try_write(&mut self, path: &Path) -> std::io::Result<()> {
        let mut lines = Vec::new();
        for entry in &self.waiting {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        let mut open = match self.file.take().filter(|file| file.is_at(path)) {
            Some(file) => file,
            None => AuditFile::open(path)?,
        };
        if open.is_full() {
            match std::fs::rename(path, file::before(path)) {
                Ok(()) => open = AuditFile::open(path)?,
                Err(error) => {
                    let path = path.display();
                    tracing::warn!(
                        "the audit log {path} is full and cannot be renamed, so it grows: {error}"
                    );
                }
            }
        }
        open.append(&lines)?;
        self.file = Some(open);
        Ok(())
    }
}
