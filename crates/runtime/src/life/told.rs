//! Sentences about the life of an event.

use signalbox_history::Entry;
use signalbox_journal::{ERASED, SOURCE};

use super::model::{Check, Pending, Why};

/// Tells the outcome of a record in a sentence.
#[must_use]
pub fn outcome(entry: &Entry) -> String {
    let at_source = entry.sink.starts_with(SOURCE);
    let reason = reason(entry.reason.as_deref(), entry.message.as_deref());
    let attempts = entry.attempts.len();
    match (entry.outcome.as_str(), at_source) {
        ("delivered", _) => {
            let late = if entry.late {
                " It was late: the destination values it less."
            } else {
                ""
            };
            match attempts {
                0 | 1 => format!("Delivered at the first attempt.{late}"),
                _ => format!("Delivered at attempt {attempts}.{late}"),
            }
        }
        ("duplicate", true) => "Left out by the source: it knew the messageId already.".to_owned(),
        ("duplicate", false) => "Not sent: the destination has this conversion already.".to_owned(),
        ("filtered", true) => format!("Filtered by the source: {reason}."),
        ("filtered", false) if entry.reason.as_deref() == Some(ERASED) => {
            "Erased: it was not sent, since an erasure covers it.".to_owned()
        }
        ("filtered", false) => format!("Not meant for this sink: {reason}."),
        ("rejected", true) => format!("Rejected by the source: {reason}."),
        ("rejected", false) if attempts == 0 => format!("Rejected before it was sent: {reason}."),
        ("rejected", false) => format!("Rejected by the destination at attempt {attempts}: {reason}."),
        ("expired", _) if attempts == 0 => format!("Its time was over before it was sent: {reason}."),
        ("expired", _) => format!("Given up after {}: {reason}.", times(attempts as u64, "attempt")),
        (other, _) => format!("It ended as {other}: {reason}."),
    }
}

/// Joins the sentence of a reason with its code.
pub(super) fn reason(code: Option<&str>, message: Option<&str>) -> String {
    let message = message.map(|message| message.trim_end_matches('.'));
    match (message.filter(|message| !message.is_empty()), code) {
        (Some(message), Some(code)) => format!("{message} ({code})"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => "the history keeps no reason".to_owned(),
    }
}

/// Tells why an event waits at a sink.
pub(super) fn pending(pending: &Pending, sink: &str) -> String {
    match pending.why {
        Why::Turn => "Pending: it waits for its turn, or for its batch to fill.".to_owned(),
        Why::Retry => format!(
            "Pending: {} failed{}, and the sink tries again by itself.",
            times(pending.attempts.into(), "attempt"),
            last_failure(pending)
        ),
        Why::Returned => "Pending: it was given to the sink once more, and waits for its turn.".to_owned(),
        Why::Held => {
            let reason = pending
                .held
                .as_deref()
                .unwrap_or("of a reason that the log tells");
            format!(
                "Pending: the sink is held because {}.",
                reason.trim_end_matches('.')
            )
        }
        Why::Erased => "Pending: an erasure covers it, so the sink will leave it out.".to_owned(),
        Why::Disabled => {
            format!("Pending: the sink is disabled; take enabled = false out of [sinks.{sink}] to send it.")
        }
        Why::Removed => format!(
            "Pending: the pipeline file no longer has the sink, or the source among its inputs; add it again, or drop these \
             events with 'signalbox forget --sink {sink}'."
        ),
        Why::Stopped => "Pending: the router does not run.".to_owned(),
    }
}

/// Says why the last attempt failed.
fn last_failure(pending: &Pending) -> String {
    let Some(last) = &pending.last_failure else {
        return String::new();
    };
    let which = if pending.attempts == 1 {
        ""
    } else {
        ", the last one"
    };
    let reason = &last.reason;
    match last.status {
        Some(status) => format!("{which} with HTTP status {status} ({reason})"),
        None => format!("{which} without an answer ({reason})"),
    }
}

/// Tells that a sink settled an event without a record of it.
pub(super) const NO_RECORD: &str =
    "Settled: the sink is done with it, and the history keeps no record of that.";

/// Tells the result of making a record again.
pub(super) fn check(check: Check, was_sent: bool) -> String {
    let sentence = match (check, was_sent) {
        (Check::Same, true) => "This is what was sent.",
        (Check::Same, false) => "This is the record; it was not sent.",
        (Check::Differs, true) => {
            "This differs from what was sent: the mapping or the settings have changed since."
        }
        (Check::Differs, false) => {
            "This differs from the record of then: the mapping or the settings have changed since."
        }
        (Check::NotMade, _) => {
            "The present mapping makes no such record: it or the settings have changed since."
        }
        (Check::NoLongerKept, _) => {
            "What was sent is no longer kept: the journal does not hold the event any more."
        }
        (Check::Unknown, _) => "This is made by the present mapping; no digest was kept to check it against.",
    };
    sentence.to_owned()
}

/// Tells an event's way into the journal.
pub(super) fn journalled(position: Option<u64>, in_journal: bool, erased: bool) -> String {
    match (position, in_journal) {
        (None, _) => "Not journalled.".to_owned(),
        (Some(position), _) if erased => format!("Journalled at position {position}; an erasure covers it."),
        (Some(position), true) => format!("Journalled at position {position}; the journal still holds it."),
        (Some(position), false) => {
            format!("Journalled at position {position}; the journal holds it no more.")
        }
    }
}

fn times(count: u64, what: &str) -> String {
    match count {
        1 => format!("one {what}"),
        count => format!("{count} {what}s"),
    }
}
