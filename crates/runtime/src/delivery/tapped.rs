//! Prepared events as taps of their sink show them.

use std::sync::Arc;

use signalbox_core::{Event, Record, Rejection};
use signalbox_journal::{ERASED, Position};

use super::prepare::Staged;
use crate::tap::{Tapped, TappedRecord, Taps, now};

/// Shows a prepared event to the taps. `read` is the event as the journal has it, if it is at hand.
pub(super) fn show(
    taps: &Taps,
    name: &Arc<str>,
    position: Position,
    staged: &Staged,
    read: Option<Arc<Event>>,
) {
    let (reason, results, event) = match staged {
        // It shows when the transform lets it go on.
        Staged::Wait { .. } => return,
        Staged::Filtered(reason) if reason.code() == ERASED => (Some(reason), None, None),
        Staged::Filtered(reason) | Staged::Rejected(reason) => (Some(reason), None, read.clone()),
        Staged::Mapped { event, results } => (None, Some(results), Some(event.clone())),
    };
    let outcome = match (staged, results) {
        (Staged::Filtered(_), _) => "filtered",
        (_, Some(results)) if results.iter().any(Result::is_ok) => "mapped",
        _ => "rejected",
    };
    let source = read.as_ref().or(event.as_ref());
    let source = source.map(|event| event.receipt().source.clone());
    taps.show_at_sink(name, event.clone().as_deref(), || Tapped {
        at: now(),
        source,
        sink: Some(name.clone()),
        position: Some(position),
        outcome,
        reason: reason.cloned(),
        records: results.into_iter().flatten().map(record).collect(),
        event,
    });
}

fn record(made: &Result<Record, Rejection>) -> TappedRecord {
    match made {
        Ok(record) => TappedRecord {
            mapping: record.mapping.clone(),
            event_name: record.summary().event_name.map(Box::from),
            bytes: record.bytes.len(),
            reason: None,
        },
        Err(rejection) => TappedRecord {
            mapping: rejection.mapping.clone(),
            event_name: None,
            bytes: 0,
            reason: Some(rejection.reason.clone()),
        },
    }
}
