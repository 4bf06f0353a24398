//! Records made again from an event of the journal, by the sink's present filters, transforms and mappings. Nothing is sent.

use std::sync::Arc;

use signalbox_core::privacy::shown_name;
use signalbox_core::{Event, Rejection, Warning};
use signalbox_history::{Entry, IdKeys, WarningEntry};

use super::fields::fields;
use super::model::{Again, Check, Made, Sent};
use super::told;
use crate::delivery::{Stage, Staged};

/// Makes the record of a history's entry again, and checks it against the digest. `None` if there was no record.
/// `event` is that of the journal; `None` if it holds it no more, or must not show it.
pub(super) fn sent(
    entry: &Entry,
    stage: Option<&Stage>,
    event: Option<&Arc<Event>>,
    keys: &IdKeys,
) -> Option<Sent> {
    let mapping = entry.mapping.as_deref().filter(|_| entry.bytes > 0)?;
    let was_sent = !entry.attempts.is_empty() || entry.outcome == "delivered";
    let result = |check: Check, fields| Sent {
        check,
        told: told::check(check, was_sent),
        fields,
    };
    let Some(event) = event else {
        return Some(result(Check::NoLongerKept, Vec::new()));
    };
    // Without the running sink nothing can be made again.
    let records = match stage?.rehearse(event) {
        Staged::Mapped { results, .. } => results.into_iter().filter_map(Result::ok).collect(),
        Staged::Filtered(_) | Staged::Rejected(_) | Staged::Wait { .. } => Vec::new(),
    };
    let digest = entry.digest.as_deref();
    let digest = digest.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let same = records
        .iter()
        .find(|record| digest.is_some_and(|digest| keys.is_digest(digest, &record.bytes)));
    let of_mapping = records.iter().find(|record| *record.mapping == *mapping);
    Some(match (same, of_mapping) {
        (Some(record), _) => result(Check::Same, fields(&record.bytes, keys)),
        (None, Some(record)) if digest.is_some() => result(Check::Differs, fields(&record.bytes, keys)),
        (None, Some(record)) => result(Check::Unknown, fields(&record.bytes, keys)),
        (None, None) => result(Check::NotMade, Vec::new()),
    })
}

/// Runs an event through a sink's present filters, transforms and mappings.
pub(super) fn again(stage: &Stage, event: &Arc<Event>, keys: &IdKeys) -> Again {
    let ended = |outcome: &str, told: String| Again {
        outcome: outcome.to_owned(),
        told,
        records: Vec::new(),
    };
    let results = match stage.rehearse(event) {
        Staged::Filtered(reason) => {
            let reason = told::reason(Some(reason.code()), Some(reason.message()));
            return ended("filtered", format!("It would not be sent: {reason}."));
        }
        Staged::Rejected(reason) => {
            let reason = told::reason(Some(reason.code()), Some(reason.message()));
            return ended("rejected", format!("It would be rejected: {reason}."));
        }
        Staged::Wait { .. } => return ended("mapped", "A transform would let it wait.".to_owned()),
        Staged::Mapped { results, .. } => results,
    };
    let records: Vec<Made> = results
        .into_iter()
        .map(|result| match result {
            Ok(record) => Made {
                mapping: record.mapping.to_string(),
                event_name: record.summary().event_name.map(|name| shown_name(&name)),
                rejected: None,
                warnings: shown(&record.warnings),
                fields: fields(&record.bytes, keys),
            },
            Err(Rejection {
                mapping,
                reason,
                warnings,
                ..
            }) => Made {
                mapping: mapping.to_string(),
                rejected: Some(told::reason(Some(reason.code()), Some(reason.message()))),
                warnings: shown(&warnings),
                ..Made::default()
            },
        })
        .collect();
    let names: Vec<&str> = records.iter().map(|made| made.mapping.as_str()).collect();
    let (outcome, told) = match records.iter().all(|made| made.rejected.is_some()) {
        true => (
            "rejected",
            format!("It would be rejected, by {}.", names.join(", ")),
        ),
        false => (
            "mapped",
            format!("It would be sent, mapped by {}.", names.join(", ")),
        ),
    };
    Again {
        outcome: outcome.to_owned(),
        told,
        records,
    }
}

fn shown(warnings: &[Warning]) -> Vec<WarningEntry> {
    let entry = |warning: &Warning| WarningEntry {
        code: warning.code.to_string(),
        path: warning.path.clone(),
    };
    warnings.iter().map(entry).collect()
}
