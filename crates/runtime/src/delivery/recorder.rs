//! The driver's side of the history: notes of ends, which the history's thread makes records of.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{Event, Outcome as Answer, Parameter, Reason, Record, Response, Verdict, Warning};
use signalbox_history::{History, Ids, Notes, Outcome, VALUE_TOO_LARGE, Warned};
use signalbox_journal::{ERASED, Position};

use super::item::{Group, Item};
use super::options::SinkOptions;
use super::trace::{Answered, Trace, Try};
use super::trail::label;
use crate::dead_letters::now_millis;
use crate::history::{ShownNames, Traced, Tracer, happened_at};
use crate::last_failures::{LastFailure, LastFailures};
use crate::telemetry::warning_key;

/// Most attempts of a record that are kept: the first ones and the last one.
const ATTEMPTS: usize = 20;

/// Notes the ends of a sink's records for the history.
pub(super) struct Recorder {
    history: History,
    name: Arc<str>,
    late_after: Option<Duration>,
    tracer: Tracer,
    /// Names at the destination.
    names: ShownNames,
    notes: Notes,
}

/// The end of a record, or of an event that made none.
struct Ended<'e> {
    trace: &'e Trace,
    mapping: Option<&'e str>,
    record: Option<&'e Record>,
    digest: Option<u64>,
    tries: &'e [Try],
    outcome: Outcome,
    reason: Option<&'e Reason>,
}

impl Recorder {
    pub(super) fn new(history: History, options: &SinkOptions) -> Recorder {
        Recorder {
            name: options.name.clone(),
            late_after: options.late_after,
            tracer: Tracer::new(history.row_keys().cloned()),
            names: ShownNames::default(),
            notes: history.notes(),
            history,
        }
    }

    /// Takes from an event what its records need later.
    pub(super) fn trace(
        &mut self,
        event: &Event,
        position: Option<Position>,
        happened_at: i64,
    ) -> Arc<Trace> {
        Arc::new(Trace {
            traced: self.tracer.trace(event),
            position,
            happened_at,
        })
    }

    /// Returns the digest of a record that was just made, while a cache of the processor holds it: when its answer arrives, none
    /// does, and the digest reads the whole of it.
    pub(super) fn digest(&self, record: &Record) -> Option<u64> {
        let keys = self.history.row_keys()?;
        Some(keys.digest(&record.bytes))
    }

    /// Notes the end of an event that made no record, or of a record that could not be made. Without the event, only its
    /// place and time are known.
    pub(super) fn unsent(
        &mut self,
        (event, position, received_at): (Option<&Event>, Option<Position>, i64),
        mapping: &str,
        outcome: Outcome,
        reason: &Reason,
    ) {
        let trace = match event {
            Some(event) => Trace {
                traced: self.tracer.trace(event),
                position,
                happened_at: happened_at(event),
            },
            None => Trace {
                traced: Traced {
                    received_at,
                    ..Traced::default()
                },
                position,
                happened_at: received_at,
            },
        };
        let erased = (reason.code() == ERASED).then(|| trace.without_ids());
        self.note(Ended {
            trace: erased.as_ref().unwrap_or(&trace),
            mapping: (!mapping.is_empty()).then_some(mapping),
            record: None,
            digest: None,
            tries: &[],
            outcome,
            reason: Some(reason),
        });
    }

    /// Notes that a record was not sent, since the destination has one with its key.
    pub(super) fn duplicate(&mut self, trace: &Trace, record: &Record) {
        self.note(Ended {
            trace,
            mapping: Some(&record.mapping),
            digest: self.digest(record),
            record: Some(record),
            tries: &[],
            outcome: Outcome::Duplicate,
            reason: None,
        });
    }

    /// Notes the end of a record that was made.
    pub(super) fn ended(&mut self, item: &Item, outcome: Outcome, reason: Option<&Reason>) {
        let unknown = Trace::default();
        self.note(Ended {
            trace: item.trace.as_deref().unwrap_or(&unknown),
            mapping: Some(&item.record.mapping),
            record: Some(&item.record),
            digest: item.digest,
            tries: &item.tries,
            outcome,
            reason,
        });
    }

    fn note(&mut self, ended: Ended<'_>) {
        let Trace {
            traced,
            position,
            happened_at,
        } = ended.trace;
        let read = if self.history.row_keys().is_some() {
            Record::summary
        } else {
            Record::counted
        };
        let summary = ended.record.map(read).unwrap_or_default();
        let event_name = summary.event_name.map(|name| self.names.shown(&name));
        let ended_at = now_millis();
        let age = u64::try_from(ended_at.saturating_sub(*happened_at)).unwrap_or(0);
        let late = self
            .late_after
            .is_some_and(|limit| Duration::from_millis(age) > limit);
        let last = ended.tries.last().map(|last| &*last.answered);
        let warnings = ended.record.map_or(&[][..], |record| &record.warnings);
        let mut warnings: Vec<Warned<'_>> = warnings.iter().map(shown_warning).collect();
        if summary.value.is_none() && summary.parameters.has(Parameter::Value) {
            warnings.push(Warned {
                code: VALUE_TOO_LARGE.into(),
                path: Parameter::Value.name().into(),
            });
        }
        let length = ended.record.map_or(0, |record| record.bytes.len());
        self.notes.add(&signalbox_history::Record {
            ended_at,
            received_at: traced.received_at,
            happened_at: *happened_at,
            source: Cow::Borrowed(&traced.source),
            library: traced.library.as_deref().map(Cow::Borrowed),
            position: *position,
            sink: Cow::Borrowed(&self.name),
            mapping: ended.mapping.map(Cow::Borrowed),
            event: Cow::Borrowed(&traced.event),
            event_name: event_name.as_deref().map(Cow::Borrowed),
            action_source: summary.action_source,
            outcome: ended.outcome,
            reason: ended.reason.map(|reason| Cow::Borrowed(reason.code())),
            message: ended.reason.map(|reason| Cow::Borrowed(reason.message())),
            attempts: ended.tries.iter().map(Try::attempt).collect(),
            request_id: last
                .and_then(|last| last.response.as_ref()?.request_id.as_deref())
                .map(Cow::Borrowed),
            warnings,
            match_keys: summary.match_keys.cloned(),
            parameters: summary.parameters,
            value: summary.value,
            batch: last.map(|last| (last.batch, last.records)),
            bytes: u32::try_from(length).unwrap_or(u32::MAX),
            digest: ended.digest,
            late: late && ended.outcome == Outcome::Delivered,
            ids: Ids {
                message_id: Cow::Borrowed(&traced.message_id),
                event_id: summary.event_id.unwrap_or_default(),
                order_id: summary.order_id.unwrap_or_default(),
                people: traced.people.borrowed(),
            },
        });
        if self.notes.is_full() {
            self.hand_over();
        }
    }

    /// Hands the notes over to the history's thread.
    pub(super) fn hand_over(&mut self) {
        if !self.notes.is_empty() {
            let notes = std::mem::replace(&mut self.notes, self.history.notes());
            self.history.hand(notes);
        }
    }
}

/// Adds an attempt to the records of a group, and notes its failures.
pub(super) fn tried(
    group: &mut Group,
    batch: u64,
    verdict: &Verdict,
    elapsed: Duration,
    response: Option<Response>,
    failures: &LastFailures,
) {
    let millis = u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX);
    let answered = Arc::new(Answered {
        batch,
        records: u32::try_from(group.items.len()).unwrap_or(u32::MAX),
        at: now_millis() - i64::from(millis),
        millis,
        response,
    });
    let mut last: Option<Arc<LastFailure>> = None;
    for (index, item) in group.items.iter_mut().enumerate() {
        let failure = match verdict.outcome(index) {
            Some(Answer::Delivered { .. }) => None,
            Some(Answer::Rejected(reason) | Answer::Retry { reason, .. }) => {
                Some(Box::<str>::from(reason.code()))
            }
            None => Some(label(verdict).into()),
        };
        if let Some(code) = failure.as_deref() {
            // Most records of a group fail for one reason.
            let known = last.take().filter(|known| known.reason == code);
            let known = known.unwrap_or_else(|| answered.failure(code));
            failures.note(item.position, &known);
            last = Some(known);
        }
        if item.tries.len() >= ATTEMPTS {
            item.tries.pop();
        }
        item.tries.push(Try {
            answered: answered.clone(),
            failure,
        });
    }
}

/// Returns a warning with its path as the metrics show it, without indices and without a client's text.
fn shown_warning(warning: &Warning) -> Warned<'_> {
    let key = warning_key(&warning.code, &warning.path);
    let path = key.split_once(' ').map_or("", |(_, path)| path);
    Warned {
        code: Cow::Borrowed(&warning.code),
        path: path.to_owned().into(),
    }
}
