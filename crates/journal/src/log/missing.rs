//! Events that the log should hold and does not: files that are missing, empty or cut short, and places that cannot be
//! read.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::files::LogFiles;
use super::log_file::{LogFile, first_of};
use crate::fs::paths;
use crate::{Loss, Lost, Position, Progress};

impl LogFiles {
    /// Finds the stretches of `from..to` that no file holds. If `aged` is set, those before the first file may have
    /// exceeded `max_age`.
    pub(crate) fn holes(&self, from: Position, to: Position, aged: bool) -> Vec<Lost> {
        let (log_files, mut at, mut holes) = (self.log_files(), from, Vec::new());
        for log_file in &log_files {
            for stretch in &log_file.content().stretches {
                if at < stretch.from.min(to) {
                    holes.push((at, stretch.from.min(to)));
                }
                at = at.max(stretch.to);
            }
        }
        if at < to {
            holes.push((at, to));
        }
        let lost = |(from, to)| Lost {
            from,
            to,
            events: to - from,
            loss: self.why(&log_files, (from, to), aged),
        };
        holes.into_iter().map(lost).collect()
    }

    fn why(&self, log_files: &[Arc<LogFile>], (from, to): (Position, Position), aged: bool) -> Loss {
        let before = log_files.iter().rfind(|log_file| log_file.first <= from);
        let within = before.is_some_and(|log_file| from < log_file.end());
        let full = |path: PathBuf| fs::metadata(path).is_ok_and(|there| there.len() > 0);
        if within || self.kept(log_files, (from, to)).any(full) {
            Loss::Damaged
        } else if aged && log_files.first().is_none_or(|first| from < first.first) {
            Loss::Aged
        } else {
            Loss::Missing
        }
    }

    /// Finds the copies kept aside of files that should hold events of a range, made now or at an earlier start: of the
    /// end of the file before, and of whole files.
    fn kept(
        &self,
        log_files: &[Arc<LogFile>],
        (from, to): (Position, Position),
    ) -> impl Iterator<Item = PathBuf> {
        let paths = paths(&self.folder).into_iter().flatten();
        let before = log_files.iter().rfind(|log_file| log_file.first <= from);
        let (own, end) = before.map_or((None, 0), |log_file| (Some(log_file.first), log_file.end()));
        paths.filter(move |path| {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            let first = name.split_once(".corrupt").and_then(|(name, _)| first_of(name));
            first.is_some_and(|first| (end <= first && first < to) || (own == Some(first) && from == end))
        })
    }

    /// The reason why nothing can be read at a position any more.
    pub(super) fn loss(&self, position: Position) -> Loss {
        let log_files = self.log_files();
        match log_files.iter().rfind(|log_file| log_file.first <= position) {
            // Only `max_age` deletes events that a sink has not settled.
            None => Loss::Aged,
            Some(log_file) if position >= log_file.end() || log_file.is_cut_short() => Loss::Missing,
            Some(_) => Loss::Damaged,
        }
    }

    /// Logs missing events at the start; `wanted` is the position of the sink that is furthest behind.
    pub(crate) fn tell_missing(&self, wanted: Position, end: Position, aged: bool) {
        let from = self.start().map_or(wanted, |start| start.min(wanted));
        let (held, log_files) = (self.end().unwrap_or(0), self.log_files());
        for Lost { from, to, loss, .. } in self.holes(from, end, aged) {
            // Losses at the end of the last file were logged when it was taken over.
            let from = if from >= held { from.max(self.told) } else { from };
            if from >= to || self.kept(&log_files, (from, to)).next().is_some() {
                continue;
            }
            let (positions, folder) = (format!("{from}..{to}"), self.folder.display());
            match loss {
                // The code that found the loss logs it.
                Loss::Damaged | Loss::Aged => {}
                Loss::Missing if to <= wanted => tracing::warn!(%folder, positions,
                    "a file of the journal is missing, empty or cut short: settled events that stood there cannot be \
                     replayed"),
                Loss::Missing => tracing::error!(%folder, positions,
                    "a file of the journal is missing, empty or cut short: the events that stood there are lost to \
                     every sink that has not settled them; put the file back before the next start if there is a copy"),
            }
        }
    }
}

/// Settles those of a sink's events that no file holds, and counts them; returns their positions.
pub(crate) fn write_off(log: &LogFiles, progress: &mut Progress, end: Position, aged: bool) -> Vec<Lost> {
    let mut at = progress.cursor;
    let mut open = Vec::new();
    for (from, to) in progress.settled.iter().copied().chain([(end, end)]) {
        if at < from {
            open.push((at, from.min(end)));
        }
        at = at.max(to);
    }
    let all = open.into_iter().flat_map(|(from, to)| log.holes(from, to, aged));
    let all: Vec<Lost> = all.collect();
    for lost in &all {
        let code = lost.loss.code().to_owned();
        *progress.totals.rejected.entry(code).or_default() += lost.events;
        let at = progress.settled.partition_point(|(from, _)| *from < lost.from);
        progress.settled.insert(at, (lost.from, lost.to));
    }
    progress.open.retain(|open| {
        let gone = |lost: &Lost| lost.from <= open.position && open.position < lost.to;
        !all.iter().any(gone)
    });
    all
}
