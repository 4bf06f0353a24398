//! Searches the log for the events that a test finds.

use std::sync::Arc;
use std::time::Instant;

use super::index::Index;
use super::record::LogHits;
use crate::log::files::LogFiles;
use crate::log::scan::Events;
use crate::{JournalError, Position};

/// Searches the log from the oldest event to `end`, or until time is up.
pub(crate) fn search(
    log: &LogFiles,
    end: Position,
    test: &Index,
    until: Instant,
) -> Result<LogHits, JournalError> {
    let mut hits = LogHits::default();
    let mut at = log.start().unwrap_or(end);
    while at < end {
        if Instant::now() >= until {
            hits.stopped_at = Some(at);
            break;
        }
        match log.read(at)? {
            Events::Lost(to, _) => at = to,
            Events::Some(events) => {
                let last = events.last().map_or(at, |(place, _)| *place);
                for (place, event) in events {
                    if let Some(event) = event.filter(|event| place < end && test.finds(event, Some(place))) {
                        hits.found.push((place, Arc::clone(&event.receipt().source)));
                    }
                }
                at = last + 1;
            }
        }
    }
    Ok(hits)
}
