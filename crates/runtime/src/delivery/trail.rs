//! Log lines about batches and records, at level debug: ids and codes, never values.

use std::time::Duration;

use signalbox_core::{Event, Outcome, Verdict};
use signalbox_journal::{Position, RecordEnd};
use tracing::Level;

use super::item::Group;
use crate::dead_letters::safe_id;

/// Names a verdict in the words of the metrics.
pub(super) fn label(verdict: &Verdict) -> &'static str {
    let delivered = |outcome: &Outcome| matches!(outcome, Outcome::Delivered { .. });
    let retried = |outcome: &Outcome| matches!(outcome, Outcome::Retry { .. });
    let outcomes = match verdict {
        Verdict::Settled(outcomes) => outcomes.as_slice(),
        Verdict::All(outcome) => std::slice::from_ref(outcome),
        Verdict::Isolate(_) | Verdict::Culprit { .. } => return "isolate",
        Verdict::Hold(_) => return "hold",
        Verdict::Reencode(_) => return "reencode",
    };
    if outcomes.iter().any(delivered) {
        "delivered"
    } else if outcomes.iter().all(retried) {
        "retry"
    } else {
        "rejected"
    }
}

pub(super) fn taken(sink: &str, position: Position, event: &Event) {
    tracing::debug!(
        %sink,
        position,
        message_id = safe_id(event.message_id()),
        "event read from the journal"
    );
}

pub(super) fn sent(sink: &str, batch: u64, group: &Group) {
    if !tracing::enabled!(Level::DEBUG) {
        return;
    }
    let bytes: usize = group.items.iter().map(|item| item.record.bytes.len()).sum();
    tracing::debug!(%sink, batch, records = group.items.len(), bytes, "batch sent");
    for item in &group.items {
        tracing::debug!(
            %sink,
            batch,
            position = item.position,
            mapping = %item.record.mapping,
            attempt = item.attempts,
            "record sent"
        );
    }
}

pub(super) fn answered(sink: &str, batch: u64, group: &Group, verdict: &Verdict, after: Duration) {
    if !tracing::enabled!(Level::DEBUG) {
        return;
    }
    let reason = match verdict {
        Verdict::Isolate(reason)
        | Verdict::Culprit { reason, .. }
        | Verdict::Hold(reason)
        | Verdict::Reencode(reason) => reason.code(),
        Verdict::Settled(_) | Verdict::All(_) => "",
    };
    let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(%sink, batch, outcome = label(verdict), reason, millis, "batch answered");
    for (index, item) in group.items.iter().enumerate() {
        let Some(outcome) = verdict.outcome(index) else {
            return;
        };
        let (outcome, reason) = match outcome {
            Outcome::Delivered { .. } => ("delivered", ""),
            Outcome::Rejected(reason) => ("rejected", reason.code()),
            Outcome::Retry { reason, .. } => ("retry", reason.code()),
        };
        tracing::debug!(
            %sink,
            batch,
            position = item.position,
            mapping = %item.record.mapping,
            outcome,
            reason,
            "record answered"
        );
    }
}

pub(super) fn blocked(sink: &str, wait: Duration) {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(%sink, millis, "waits for the rate limit");
}

pub(super) fn ended(sink: &str, position: Position, end: &RecordEnd) {
    let (outcome, reason) = match end {
        RecordEnd::Delivered | RecordEnd::Duplicate => ("delivered", ""),
        RecordEnd::Filtered(code) => ("filtered", &**code),
        RecordEnd::Rejected(code) => ("rejected", &**code),
        RecordEnd::Expired(code) => ("expired", &**code),
    };
    tracing::debug!(%sink, position, outcome, reason, "event ended");
}
