//! The driver's side of the history: notes of ends, which the history's thread makes records of.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{Event, Outcome as Answer, Parameter, Reason, Record, Response, Verdict, Warning};
use signalbox_history::{
    Checksum, Draft, DraftBuffer, End, History, Made, Notes, Outcome, VALUE_TOO_LARGE, Warned,
};
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
    drafter: Drafter,
    notes: Notes,
}

/// Packs records for the history.
struct Drafter {
    /// True if the history keeps rows.
    for_rows: bool,
    /// Names at the destination.
    names: ShownNames,
    /// Memory for [`Draft::of`].
    buffer: DraftBuffer,
}

impl Recorder {
    pub(super) fn new(history: History, options: &SinkOptions) -> Recorder {
        Recorder {
            name: options.name.clone(),
            late_after: options.late_after,
            tracer: Tracer::new(history.row_keys().cloned()),
            drafter: Drafter {
                for_rows: history.keeps_rows(),
                names: ShownNames::default(),
                buffer: DraftBuffer::default(),
            },
            notes: history.notes(),
            history,
        }
    }

    /// Takes from an event what the history keeps with each of its records.
    pub(super) fn trace<'e>(&mut self, event: &'e Event, position: Option<Position>) -> Trace<'e> {
        Trace {
            traced: self.tracer.trace(event),
            position,
            happened_at: happened_at(event),
        }
    }

    /// Takes from a record that was just made what the history keeps of it.
    pub(super) fn draft(&mut self, trace: Option<&Trace<'_>>, record: &Record) -> Draft {
        let unknown = Trace::default();
        let Trace {
            traced,
            position,
            happened_at,
        } = trace.unwrap_or(&unknown);
        let event = of_event(&self.name, traced, *position, *happened_at);
        self.drafter.draft(&event, record)
    }

    /// Takes the same from a record that was made once more of its event.
    pub(super) fn draft_again(&mut self, before: &Draft, record: &Record) -> Option<Draft> {
        Some(self.drafter.draft(&before.record()?.made(), record))
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
            Some(event) => self.trace(event, position),
            None => Trace {
                traced: Traced {
                    received_at,
                    ..Traced::default()
                },
                position,
                happened_at: received_at,
            },
        };
        let Trace {
            traced,
            position,
            happened_at,
        } = match reason.code() {
            ERASED => trace.without_ids(),
            _ => trace,
        };
        let made = Made {
            mapping: (!mapping.is_empty()).then_some(mapping),
            ..of_event(&self.name, &traced, position, happened_at)
        };
        let end = End {
            ended_at: now_millis(),
            outcome,
            late: false,
            reason: Some(reason.code()),
            message: Some(reason.message()),
            request_id: None,
            batch: None,
        };
        self.notes.note(&made, &end, std::iter::empty());
        self.noted();
    }

    /// Notes that a record was not sent, since the destination has one with its key.
    pub(super) fn duplicate(&mut self, trace: &Trace<'_>, record: &Record) {
        let draft = self.draft(Some(trace), record);
        self.end(&draft, trace.happened_at, &[], (Outcome::Duplicate, None));
    }

    /// Notes the end of a record that was made.
    pub(super) fn ended(&mut self, item: &Item, outcome: Outcome, reason: Option<&Reason>) {
        if let Some(draft) = &item.draft {
            self.end(draft, item.happened_at, &item.tries, (outcome, reason));
        }
    }

    fn end(
        &mut self,
        draft: &Draft,
        happened_at: i64,
        tries: &[Try],
        (outcome, reason): (Outcome, Option<&Reason>),
    ) {
        let ended_at = now_millis();
        let age = u64::try_from(ended_at.saturating_sub(happened_at)).unwrap_or(0);
        let late = self
            .late_after
            .is_some_and(|limit| Duration::from_millis(age) > limit);
        let last = tries.last().map(|last| &*last.answered);
        let end = End {
            ended_at,
            outcome,
            late: late && outcome == Outcome::Delivered,
            reason: reason.map(Reason::code),
            message: reason.map(Reason::message),
            request_id: last.and_then(|last| last.response.as_ref()?.request_id.as_deref()),
            batch: last.map(|last| (last.batch, last.records)),
        };
        self.notes.end(draft, &end, tries.iter().map(Try::attempt));
        self.noted();
    }

    fn noted(&mut self) {
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

impl Drafter {
    /// Packs a record of an event. Of `event` it takes what is not the record's.
    fn draft(&mut self, event: &Made<'_>, record: &Record) -> Draft {
        let summary = match self.for_rows {
            true => record.summary(),
            false => record.counted(),
        };
        let event_name = summary.event_name.map(|name| self.names.shown(&name));
        let mut warnings: Vec<Warned<'_>> = record.warnings.iter().map(shown_warning).collect();
        if summary.value.is_none() && summary.parameters.has(Parameter::Value) {
            warnings.push(Warned {
                code: VALUE_TOO_LARGE.into(),
                path: Parameter::Value.name().into(),
            });
        }
        let made = Made {
            mapping: Some(&record.mapping),
            event_name: event_name.as_deref(),
            action_source: summary.action_source.as_deref(),
            warnings: &warnings,
            match_keys: summary.match_keys,
            parameters: summary.parameters,
            value: summary.value.as_ref(),
            bytes: u32::try_from(record.bytes.len()).unwrap_or(u32::MAX),
            checksum: self.for_rows.then(|| Checksum::of(&record.bytes)),
            event_id: summary.event_id.as_deref().unwrap_or_default(),
            order_id: summary.order_id.as_deref().unwrap_or_default(),
            people: event.people.borrowed(),
            ..*event
        };
        Draft::of(&made, &mut self.buffer)
    }
}

/// Returns what the history keeps of an event with each of its records.
fn of_event<'n>(
    sink: &'n str,
    traced: &'n Traced<'_>,
    position: Option<Position>,
    happened_at: i64,
) -> Made<'n> {
    Made {
        happened_at,
        library: traced.library.as_deref(),
        position,
        message_id: &traced.message_id,
        people: traced.people.borrowed(),
        ..Made::of_event(&traced.source, sink, &traced.event, traced.received_at)
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
