//! The driver's side of the history: notes of ends, which the history's thread makes records of.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::privacy::shown_name;
use signalbox_core::{Event, Outcome as Answer, Reason, Record, Response, Sink, Verdict, Warning};
use signalbox_history::{Handover, History, IdKeys, IdKind, Ids, Outcome};
use signalbox_journal::{ERASED, Position};

use super::item::{Group, Item};
use super::options::SinkOptions;
use super::trace::{Answered, Trace, Try};
use super::trail::label;
use crate::dead_letters::now_millis;
use crate::history::{self, Traced, happened_at};
use crate::telemetry::warning_key;

/// Notes that are handed over together.
const AT_ONCE: usize = 256;
/// Most attempts of a record that are kept: the first ones and the last one.
const ATTEMPTS: usize = 20;

/// Notes the ends of a sink's records for the history.
pub(super) struct Recorder {
    history: History,
    context: Context,
    waiting: Vec<Ended>,
}

/// The sink's side of its records.
#[derive(Clone)]
struct Context {
    name: Arc<str>,
    sink: Arc<dyn Sink>,
    /// `None` if only sums are kept, which have no ids.
    keys: Option<IdKeys>,
    late_after: Option<Duration>,
}

/// The end of a record, or of an event that made none.
struct Ended {
    trace: Arc<Trace>,
    at: i64,
    mapping: Option<Arc<str>>,
    record: Option<Arc<Record>>,
    tries: Vec<Try>,
    outcome: Outcome,
    reason: Option<Reason>,
}

impl Recorder {
    pub(super) fn new(history: History, options: &SinkOptions, sink: Arc<dyn Sink>) -> Recorder {
        let context = Context {
            name: options.name.clone(),
            sink,
            keys: history.row_keys().cloned(),
            late_after: options.late_after,
        };
        Recorder {
            history,
            context,
            waiting: Vec::new(),
        }
    }

    /// Takes from an event what its records need later.
    pub(super) fn trace(&self, event: &Event, position: Option<Position>, happened_at: i64) -> Arc<Trace> {
        Arc::new(Trace {
            traced: history::traced(event, self.context.keys.as_ref()),
            position,
            happened_at,
        })
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
            Some(event) => self.trace(event, position, happened_at(event)),
            None => Arc::new(Trace {
                traced: Traced {
                    received_at,
                    ..Traced::default()
                },
                position,
                happened_at: received_at,
            }),
        };
        let trace = if reason.code() == ERASED {
            Arc::new(trace.without_ids())
        } else {
            trace
        };
        self.note(Ended {
            trace,
            at: now_millis(),
            mapping: (!mapping.is_empty()).then(|| mapping.into()),
            record: None,
            tries: Vec::new(),
            outcome,
            reason: Some(reason.clone()),
        });
    }

    /// Notes that a record was not sent, since the destination has one with its key.
    pub(super) fn duplicate(&mut self, trace: Arc<Trace>, record: Record) {
        self.note(Ended {
            trace,
            at: now_millis(),
            mapping: Some(record.mapping.clone()),
            record: Some(Arc::new(record)),
            tries: Vec::new(),
            outcome: Outcome::Duplicate,
            reason: None,
        });
    }

    /// Notes the end of a record that was made.
    pub(super) fn ended(&mut self, item: &mut Item, outcome: Outcome, reason: Option<&Reason>) {
        self.note(Ended {
            trace: item.trace.clone().unwrap_or_default(),
            at: now_millis(),
            mapping: Some(item.record.mapping.clone()),
            record: Some(item.record.clone()),
            tries: std::mem::take(&mut item.tries),
            outcome,
            reason: reason.cloned(),
        });
    }

    fn note(&mut self, ended: Ended) {
        self.waiting.push(ended);
        if self.waiting.len() >= AT_ONCE {
            self.hand_over();
        }
    }

    /// Hands the notes over to the history's thread.
    pub(super) fn hand_over(&mut self) {
        if !self.waiting.is_empty() {
            let ended = std::mem::take(&mut self.waiting);
            let context = self.context.clone();
            self.history.hand(Box::new(Notes { context, ended }));
        }
    }
}

/// Adds an attempt to the records of a group.
pub(super) fn tried(
    group: &mut Group,
    batch: u64,
    verdict: &Verdict,
    elapsed: Duration,
    response: Option<Response>,
) {
    let millis = u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX);
    let answered = Arc::new(Answered {
        batch,
        records: u32::try_from(group.items.len()).unwrap_or(u32::MAX),
        at: now_millis() - i64::from(millis),
        millis,
        response,
    });
    for (index, item) in group.items.iter_mut().enumerate() {
        let failure = match verdict.outcome(index) {
            Some(Answer::Delivered { .. }) => None,
            Some(Answer::Rejected(reason) | Answer::Retry { reason, .. }) => Some(reason.code().into()),
            None => Some(label(verdict).into()),
        };
        if item.tries.len() >= ATTEMPTS {
            item.tries.pop();
        }
        item.tries.push(Try {
            answered: answered.clone(),
            failure,
        });
    }
}

/// Notes on their way to the history's thread.
struct Notes {
    context: Context,
    ended: Vec<Ended>,
}

impl Handover for Notes {
    fn count(&self) -> usize {
        self.ended.len()
    }

    fn records(self: Box<Self>, into: &mut Vec<signalbox_history::Record>) {
        let Notes { context, ended } = *self;
        into.extend(ended.into_iter().map(|ended| context.record(ended)));
    }
}

impl Context {
    fn record(&self, ended: Ended) -> signalbox_history::Record {
        let summary = ended.record.as_ref().map(|record| self.sink.summary(record));
        let summary = summary.unwrap_or_default();
        let Trace {
            traced,
            position,
            happened_at,
        } = &*ended.trace;
        let mut ids = Ids::default();
        if let Some(keys) = &self.keys {
            let event_id = summary.event_id.as_deref().unwrap_or_default();
            let order_id = summary.order_id.as_deref().unwrap_or_default();
            ids.add(IdKind::MessageId, &traced.message_id, keys);
            ids.add(IdKind::EventId, event_id, keys);
            ids.add(IdKind::OrderId, order_id, keys);
        }
        traced.people.iter().for_each(|hash| ids.add_person(*hash));
        let warnings = ended.record.as_ref().map(|record| record.warnings.iter());
        let last = ended.tries.last().map(|last| last.answered.clone());
        let age = u64::try_from(ended.at.saturating_sub(*happened_at)).unwrap_or(0);
        let late = self
            .late_after
            .is_some_and(|limit| Duration::from_millis(age) > limit);
        signalbox_history::Record {
            ended_at: ended.at,
            received_at: traced.received_at,
            happened_at: *happened_at,
            source: traced.source.clone(),
            library: traced.library.clone(),
            position: *position,
            sink: self.name.clone(),
            mapping: ended.mapping,
            event: shown_name(&traced.event).into(),
            event_name: summary.event_name.map(|name| shown_name(&name).into()),
            action_source: summary.action_source,
            outcome: ended.outcome,
            reason: ended.reason.as_ref().map(|reason| reason.code().into()),
            message: ended.reason.as_ref().map(|reason| reason.message().into()),
            attempts: ended.tries.iter().map(Try::attempt).collect(),
            request_id: last
                .as_ref()
                .and_then(|last| last.response.as_ref()?.request_id.clone()),
            warnings: warnings.into_iter().flatten().map(shown_warning).collect(),
            match_keys: summary.match_keys,
            parameters: summary.parameters,
            value: summary.value,
            batch: last.map(|last| (last.batch, last.records)),
            digest: ended
                .record
                .as_ref()
                .and_then(|record| Some(self.keys.as_ref()?.digest(&record.bytes))),
            bytes: ended
                .record
                .map_or(0, |record| u32::try_from(record.bytes.len()).unwrap_or(u32::MAX)),
            late: late && ended.outcome == Outcome::Delivered,
            ids,
        }
    }
}

/// Returns a warning with its path as the metrics show it, without indices and without a client's text.
fn shown_warning(warning: &Warning) -> Warning {
    let key = warning_key(&warning.code, &warning.path);
    let path = key.split_once(' ').map_or("", |(_, path)| path);
    Warning {
        path: path.to_owned(),
        ..warning.clone()
    }
}
