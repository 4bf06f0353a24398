//! Events that the log should hold and does not: files that are missing, empty or cut short, and places that cannot be
//! read.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use super::segment::{Segment, first_of};
use super::series::Series;
use crate::{Loss, Lost, Position, Progress};

impl Series {
    /// Finds the stretches of `from..to` that no file holds. If `aged` is set, those before the first file may have
    /// exceeded `max_age`.
    pub(crate) fn holes(&self, from: Position, to: Position, aged: bool) -> Vec<Lost> {
        let (segments, mut at, mut holes) = (self.segments(), from, Vec::new());
        for segment in &segments {
            for mark in &segment.content().marks {
                if at < mark.from.min(to) {
                    holes.push((at, mark.from.min(to)));
                }
                at = at.max(mark.to);
            }
        }
        if at < to {
            holes.push((at, to));
        }
        let lost = |(from, to)| Lost {
            from,
            to,
            loss: self.why(&segments, (from, to), aged),
        };
        holes.into_iter().map(lost).collect()
    }

    fn why(&self, segments: &[Arc<Segment>], (from, to): (Position, Position), aged: bool) -> Loss {
        let before = segments.iter().rfind(|segment| segment.first <= from);
        let within = before.is_some_and(|segment| from < segment.end());
        let full = |path: PathBuf| fs::metadata(path).is_ok_and(|there| there.len() > 0);
        if within || self.kept(segments, (from, to)).any(full) {
            Loss::Damaged
        } else if aged && segments.first().is_none_or(|first| from < first.first) {
            Loss::Aged
        } else {
            Loss::Missing
        }
    }

    /// Finds the copies kept aside of files that should hold events of a range, made now or at an earlier start: of the
    /// end of the file before, and of whole files.
    fn kept(
        &self,
        segments: &[Arc<Segment>],
        (from, to): (Position, Position),
    ) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(&self.folder).ok();
        let paths = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()));
        let before = segments.iter().rfind(|segment| segment.first <= from);
        let (own, end) = before.map_or((None, 0), |segment| (Some(segment.first), segment.end()));
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
        let segments = self.segments();
        let after = segments.partition_point(|segment| segment.first <= position);
        match after.checked_sub(1).and_then(|i| segments.get(i)) {
            // Only `max_age` deletes events that a sink has not settled.
            None => Loss::Aged,
            Some(segment) if position >= segment.end() || is_cut_short(segment) => Loss::Missing,
            Some(_) => Loss::Damaged,
        }
    }

    /// Logs what is missing at the start; `wanted` is the position of the sink that is furthest behind.
    pub(crate) fn tell_missing(&self, wanted: Position, end: Position, aged: bool) {
        let from = self.start().map_or(wanted, |start| start.min(wanted));
        let (held, segments) = (self.end().unwrap_or(0), self.segments());
        for Lost { from, to, loss } in self.holes(from, end, aged) {
            // Losses at the end of the last file were logged when it was taken over.
            let from = if from >= held { from.max(self.told()) } else { from };
            if from >= to || self.kept(&segments, (from, to)).next().is_some() {
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

/// True if a file is gone, or has lost its end or all its content.
pub(super) fn is_cut_short(segment: &Segment) -> bool {
    match fs::metadata(&segment.path) {
        Ok(there) => there.len() < segment.content().bytes_from(0),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// Settles those of a sink's events that no file holds, and counts them; returns their positions.
pub(super) fn write_off(series: &Series, progress: &mut Progress, end: Position, aged: bool) -> Vec<Lost> {
    let mut at = progress.cursor;
    let mut open = Vec::new();
    for (from, to) in progress.settled.iter().copied().chain([(end, end)]) {
        if at < from {
            open.push((at, from.min(end)));
        }
        at = at.max(to);
    }
    let all = open
        .into_iter()
        .flat_map(|(from, to)| series.holes(from, to, aged));
    let all: Vec<Lost> = all.collect();
    for lost in &all {
        let code = lost.loss.code().to_owned();
        *progress.totals.rejected.entry(code).or_default() += lost.to - lost.from;
        let at = progress.settled.partition_point(|(from, _)| *from < lost.from);
        progress.settled.insert(at, (lost.from, lost.to));
    }
    progress.open.retain(|open| {
        let gone = |lost: &Lost| lost.from <= open.position && open.position < lost.to;
        !all.iter().any(gone)
    });
    all
}
