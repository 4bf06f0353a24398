//! Begins a lost state anew from the heading of the newest file of frames, which records where sinks stood when that
//! file was begun.

use std::collections::BTreeMap;

use super::contents::Contents;
use super::tables::Head;
use crate::log::heading::{Heading, SinkStanding};
use crate::sink_record::SinkRecord;
use crate::{Position, ranges};

/// The code under which a sink counts events that are unreadable.
const UNREADABLE: &str = "journal_unreadable";

/// The facts that the files of frames reveal of a lost state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Basis {
    /// The positions of the events held, `from..to`; `None` without events.
    pub(crate) held: Option<(Position, Position)>,
    /// The position after the last one that was given to an event, held or not.
    pub(crate) given: Position,
    /// The newest heading, and the first position of its file.
    pub(crate) heading: Option<(Position, Heading)>,
}

impl Basis {
    /// Makes a state that knows no more than this. `parked` counts the parked events of each sink that were rescued
    /// elsewhere. The state is marked as rebuilt if there are events.
    pub(super) fn contents(&self, parked: &BTreeMap<String, u64>) -> Contents {
        let rebuilt = self.held.is_some();
        let Some((first, heading)) = &self.heading else {
            let head = Head {
                rebuilt,
                ..Head::default()
            };
            return Contents {
                head,
                ..Contents::default()
            };
        };
        let (from, to) = self.held.unwrap_or((*first, *first));
        let mut again = BTreeMap::new();
        let mut sinks = BTreeMap::new();
        for (name, standing) in &heading.sinks {
            let saved = parked.get(name).copied().unwrap_or(0);
            tell_gone(name, &standing.record, from);
            let record = record(standing, from, standing.parked.saturating_sub(saved));
            if !record.released {
                again.insert(name.clone(), unsettled(&record, to));
            }
            sinks.insert(name.clone(), record);
        }
        let head = Head {
            rebuilt,
            rebuilt_from: *first,
            again,
            journalled: heading.journalled.clone(),
            journalled_to: *first,
            names: heading.names.clone(),
            erasures: heading.erasures.clone(),
            ..Head::default()
        };
        Contents {
            head,
            sinks,
            sources: heading.sources.clone(),
            ..Contents::default()
        }
    }

    /// Names the place where sinks start, for the log.
    pub(super) fn starts(&self) -> String {
        match (&self.heading, self.held) {
            (Some((first, _)), _) => {
                format!("where they stood at position {first}, when the newest file was begun")
            }
            (None, Some((from, _))) => format!("at the oldest event held, {from}"),
            (None, None) => "at the end".to_owned(),
        }
    }
}

/// Makes a sink's record from its standing. The sink had settled all events before the oldest one held, or their file
/// would still be there; lost parked events were only in the state.
fn record(standing: &SinkStanding, from: Position, lost: u64) -> SinkRecord {
    let mut record = standing.record.clone();
    let progress = &mut record.progress;
    progress.cursor = progress.cursor.max(from);
    progress.open.clear();
    if lost > 0 {
        *progress.totals.rejected.entry(UNREADABLE.into()).or_default() += lost;
    }
    record
}

/// Counts the events before a position that a sink had not settled then; it may have settled them since.
fn unsettled(record: &SinkRecord, to: Position) -> u64 {
    let progress = &record.progress;
    let left = ranges::both(&ranges::unsettled(progress), &[(0, to)]);
    left.iter().map(|(from, to)| to - from).sum()
}

/// Logs how many events a sink had not settled of files that are gone: with the state went the record of whether it
/// settled them before they were deleted.
fn tell_gone(sink: &str, record: &SinkRecord, from: Position) {
    let events = unsettled(record, from);
    if events > 0 && !record.released {
        tracing::error!(
            sink,
            events,
            "files of events before position {from} are gone: up to {events} of their events were not settled when the \
             newest file was begun, and are lost to this sink unless it settled them since"
        );
    }
}

/// Logs how many events may come again at a sink.
pub(crate) fn tell(sink: &str, events: u64) {
    tracing::error!(
        sink,
        events,
        "the record of what this sink settled lately is lost: up to {events} events may come again"
    );
}

pub(super) fn tell_all(again: &BTreeMap<String, u64>) {
    for (sink, events) in again {
        tell(sink, *events);
    }
}
