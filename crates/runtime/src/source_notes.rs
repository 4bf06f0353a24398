//! Notes for the history about events that a source did not journal: filtered, rejected, or known already.

use std::sync::Arc;

use signalbox_core::privacy::shown_name;
use signalbox_core::{Event, Fate, Reason, RejectedInput};
use signalbox_history::{History, IdKind, Ids, Outcome, Record};
use signalbox_journal::SOURCE;

use crate::dead_letters::now_millis;
use crate::history::{self, Traced};

/// Notes the ends of a source's events for the history.
pub(crate) struct SourceNotes {
    history: History,
    /// The source's name, and the name that stands for it in the place of a sink.
    name: Arc<str>,
    component: Arc<str>,
}

impl SourceNotes {
    pub(crate) fn new(history: History, name: &Arc<str>) -> SourceNotes {
        SourceNotes {
            history,
            name: name.clone(),
            component: format!("{SOURCE}{name}").into(),
        }
    }

    /// Takes the parts that the history may need from the events of a request: of events that pass, the `messageId` alone,
    /// since the journal may know it already.
    pub(crate) fn begin(&self, events: &[Event], fates: &[Fate]) -> Vec<Traced> {
        let trace = |(event, fate): (&Event, &Fate)| match fate {
            Fate::Accepted | Fate::Duplicate => Traced {
                received_at: event.receipt().received_at,
                message_id: match self.history.row_keys() {
                    Some(_) => event.message_id().into(),
                    None => Box::default(),
                },
                ..Traced::default()
            },
            Fate::Filtered(_) | Fate::Rejected(_) => {
                let keys = self.history.row_keys();
                let order_id = keys.and_then(|_| history::order_id(event));
                Traced {
                    order_id: order_id.map(Box::from),
                    ..history::traced(event, keys)
                }
            }
        };
        events.iter().zip(fates).map(trace).collect()
    }

    /// Notes the events of a request that were not journalled.
    pub(crate) fn end(&self, traced: Vec<Traced>, fates: &[Fate]) {
        let ended = traced.into_iter().zip(fates).filter_map(|(traced, fate)| {
            let (outcome, reason) = match fate {
                Fate::Accepted => return None,
                Fate::Duplicate => (Outcome::Duplicate, None),
                Fate::Filtered(reason) => (Outcome::Filtered, Some(reason)),
                Fate::Rejected(reason) => (Outcome::Rejected, Some(reason)),
            };
            Some(self.record(traced, outcome, reason))
        });
        self.hand(ended.collect());
    }

    /// Notes inputs that are no events.
    pub(crate) fn inputs(&self, rejected: &[RejectedInput]) {
        let record = |input: &RejectedInput| {
            let traced = Traced {
                received_at: now_millis(),
                message_id: input.message_id.as_deref().unwrap_or_default().into(),
                ..Traced::default()
            };
            self.record(traced, Outcome::Rejected, Some(&input.reason))
        };
        self.hand(rejected.iter().map(record).collect());
    }

    fn hand(&self, records: Vec<Record>) {
        if !records.is_empty() {
            self.history.hand(Box::new(records));
        }
    }

    fn record(&self, traced: Traced, outcome: Outcome, reason: Option<&Reason>) -> Record {
        let mut ids = Ids::default();
        if let Some(keys) = self.history.row_keys() {
            ids.add(IdKind::MessageId, &traced.message_id, keys);
            ids.add(
                IdKind::OrderId,
                traced.order_id.as_deref().unwrap_or_default(),
                keys,
            );
        }
        traced.people.iter().for_each(|hash| ids.add_person(*hash));
        let name = shown_name(&traced.event);
        let times = (traced.received_at, now_millis());
        Record {
            library: traced.library,
            reason: reason.map(|reason| reason.code().into()),
            message: reason.map(|reason| reason.message().into()),
            ids,
            ..Record::of_event(
                self.name.clone(),
                self.component.clone(),
                name.into(),
                outcome,
                times,
            )
        }
    }
}
